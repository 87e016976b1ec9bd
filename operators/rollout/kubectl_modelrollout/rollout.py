"""A ModelRollout as it is shown: its spec, what the operator remembers, and what it tells people."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from rollout_operator.decide.report import ReplicaState
from rollout_operator.documents.codec import DOCUMENT, InvalidDocument, Json, read
from rollout_operator.documents.spec import InvalidSpec, Spec, parse_spec
from rollout_operator.documents.status import Attempt, Condition, Status, read_status

from kubectl_modelrollout.errors import Problem

T = TypeVar("T")


@dataclass(frozen=True)
class Share:
    """`weight` in percent."""

    weight: int = 0

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class ReportedStatus:
    """The part of the status that is for people."""

    observed_generation: int = 0
    phase: str = ""
    message: str = ""
    warm: str = ""
    stable: Share = Share()
    canary: Share = Share()
    replica_states: tuple[ReplicaState, ...] = ()

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Rollout:
    """`spec`: None when the operator could not read it either; the conditions then say why."""

    name: str
    namespace: str
    generation: int
    spec: Spec | None
    status: Status
    reported: ReportedStatus

    @property
    def is_seen(self) -> bool:
        """The operator has reconciled the newest spec."""
        return self.reported.observed_generation >= self.generation

    @property
    def is_ready(self) -> bool:
        """The newest spec is live."""
        return self.is_seen and self._is("Ready")

    @property
    def is_stalled(self) -> bool:
        """The release of the newest spec failed, or cannot begin."""
        return self.is_seen and self._is("Stalled")

    @property
    def awaits_approval(self) -> bool:
        """A gate is closed, by the operator's last reconcile of the newest spec."""
        ready = self.condition("Ready")
        return self.is_seen and ready is not None and ready.reason == "AwaitingApproval"

    @property
    def wanted_attempt(self) -> Attempt | None:
        """The try in progress, or how the last one of the wanted release ended."""
        last = self.status.history[-1] if self.status.history else None
        found = self.status.attempt or last
        return found if found and self.spec and found.release == self.spec.wanted else None

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the classes by position; of the newest try that knows them."""
        attempts = [*self.status.history, *([self.status.attempt] if self.status.attempt else [])]
        return next((one.labels for one in reversed(attempts) if one.labels), ())

    def condition(self, type: str) -> Condition | None:
        """The condition of this type; None when the status has none."""
        return next((one for one in self.status.conditions if one.type == type), None)

    def _is(self, type: str) -> bool:
        found = self.condition(type)
        return found is not None and found.status == "True"


def parse_rollout(body: Json) -> Rollout:
    """Raises Problem when the status is none of this release's."""
    metadata = body["metadata"]
    return Rollout(
        name=metadata["name"],
        namespace=metadata.get("namespace", ""),
        generation=metadata.get("generation", 0),
        spec=_spec(body),
        status=_readable(read_status, body),
        reported=_readable(_read_reported, body),
    )


def readable_spec(rollout: Rollout) -> Spec:
    """The spec; raises Problem, with the reason, when it cannot be used."""
    if rollout.spec is None:
        found = rollout.condition("Stalled")
        why = found.message if found else "see `kubectl get modelrollout -o yaml`"
        raise Problem(f"the spec of {rollout.name} cannot be used: {why}")
    return rollout.spec


def _spec(body: Json) -> Spec | None:
    try:
        return parse_spec(body)
    except InvalidSpec:
        return None


def _read_reported(status: Json) -> ReportedStatus:
    return read(ReportedStatus, json.dumps(status))


def _readable(parse: Callable[[Json], T], body: Json) -> T:
    try:
        return parse(body.get("status") or {})
    except InvalidDocument as error:
        raise Problem(
            f"the status cannot be read ({error}); install the plug-in that belongs to the operator"
        ) from None
