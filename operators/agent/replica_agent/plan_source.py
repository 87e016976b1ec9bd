"""Where plans come from, and which plan is in force.

An absent, empty or invalid plan is never an instruction: the last valid plan stays, and the refusal is reported.
"""

import logging
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from medinfer_common.revisions import refuse_ahead

from replica_agent.files import write_atomic
from replica_agent.plan import InvalidPlan, Plan, claimed_id, parse_plan

log = logging.getLogger(__name__)


class PlanSource(Protocol):
    """`is_live`: what was read last is the current document, so that versions may be dropped on it."""

    is_live: bool

    def read(self) -> bytes | str:
        """The newest document as bytes, or a str that says why there is none. It does not block for long."""


class Watch(Protocol):
    """A ConfigMap that is watched: `content` means nothing before `synced`."""

    name: str
    key: str
    synced: bool
    content: bytes | None


class PlanFile:
    """A file that a person or a test writes."""

    is_live = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> bytes | str:
        """The file's content, or why it cannot be read."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            return f"there is no plan: {self.path.name} cannot be read ({error.strerror}); write one there"


class WatchedPlan:
    """A watched ConfigMap. Its mounted copy, which may be old, is read first and until the API server has answered."""

    def __init__(self, watch: Watch, mounted: PlanFile) -> None:
        self._watch, self._mounted = watch, mounted
        self._is_first = True
        self.is_live = False

    def read(self) -> bytes | str:
        """The ConfigMap's value or the mounted copy, or why there is none."""
        self.is_live = self._watch.synced and not self._is_first
        self._is_first = False
        if not self.is_live:
            return self._mounted.read()
        where = f"ConfigMap {self._watch.name} has no {self._watch.key}"
        missing = f"there is no plan: {where}; leave it to the operator, or write one there"
        return missing if self._watch.content is None else self._watch.content


@dataclass(frozen=True)
class Refusal:
    """A refused document. `id` is the one that it claims, None when it claims none."""

    id: str | None
    reason: str


@dataclass(frozen=True)
class Followed:
    """The plan in force. `live`: it was read from its source since the start, so versions may be dropped on it."""

    plan: Plan | None = None
    live: bool = False
    rejected: Refusal | None = None


def follow(followed: Followed, text: bytes | str, now_seconds: float, is_live: bool = True) -> Followed:
    """What is in force after `text` was read; a str says why there was no document."""
    if isinstance(text, str):
        return replace(followed, rejected=Refusal(None, text))
    try:
        plan = parse_plan(text)
    except InvalidPlan as error:
        return replace(followed, rejected=Refusal(claimed_id(text), str(error)))
    if reason := refuse_ahead(plan.revision, now_seconds):
        return replace(followed, rejected=Refusal(plan.id, reason))
    if followed.plan and plan.model != followed.plan.model:
        reason = f"model: this replica holds {followed.plan.model}; another model needs an agent with an empty DATA_DIR"
        return replace(followed, rejected=Refusal(plan.id, reason))
    if followed.plan and 0 < plan.revision < followed.plan.revision:
        reason = (
            f"revision: is {plan.revision}, and {followed.plan.revision} is obeyed already; the older plan is ignored"
        )
        return replace(followed, rejected=Refusal(plan.id, reason))
    return Followed(plan, live=is_live or (followed.live and plan == followed.plan))


class Follower:
    """Reads a source, and keeps the last valid plan in the file `kept`, where a restarted agent finds it."""

    def __init__(self, source: PlanSource, kept: Path) -> None:
        self._source, self._kept = source, kept
        self._seen: bytes | str = b""
        self._unkept, self._trouble = b"", ""
        self.followed = replace(follow(Followed(), PlanFile(kept).read(), time.time()), live=False, rejected=None)

    def poll(self) -> Followed:
        """Reads the source once; returns what is in force."""
        text = self._source.read()
        if text != self._seen or not self.followed.live:
            before, self.followed = self.followed.plan, follow(self.followed, text, time.time(), self._source.is_live)
            if isinstance(text, bytes) and self.followed.plan != before:
                self._unkept = text
            self._seen = text
        if self._unkept:
            self._keep()
        return self.followed

    def _keep(self) -> None:
        """Writes the plan. A failure is logged once, and each poll tries again."""
        trouble = ""
        try:
            write_atomic(self._kept, self._unkept)
            self._unkept = b""
        except OSError as error:
            trouble = str(error.strerror)
            if trouble != self._trouble:
                log.error(
                    "the plan cannot be written to DATA_DIR for the next start; trying again", extra={"error": trouble}
                )
        self._trouble = trouble
