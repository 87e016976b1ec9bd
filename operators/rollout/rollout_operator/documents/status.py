"""The status of a ModelRollout: what the operator remembers, as far as what is served does not say it.

It is a cache: `remember.position` decides whether it may be believed. What else people read is in `report`.
"""

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from rollout_operator.documents.assessment import Assessment, Verdict
from rollout_operator.documents.codec import DOCUMENT, InvalidDocument, Json, Time, read
from rollout_operator.documents.counters import Shadow, StepCounters
from rollout_operator.documents.release import Release
from rollout_operator.documents.spec import AnalysisSpec
from rollout_operator.documents.step_kinds import Step

KEEP_WINDOW = "keep window"
UNVERIFIED = "unverified"


class Phase(StrEnum):
    """A summary for people; the conditions are the contract."""

    PENDING = "Pending"  # something must end before the wanted version can begin
    VERIFYING = "Verifying"  # agents fetch and check the canary's bytes
    LOADING = "Loading"  # Triton loads the canary
    WARMING = "Warming"  # the canary proves itself on each replica
    SHADOWING = "Shadowing"  # the canary answers copies of requests, to nobody
    PROGRESSING = "Progressing"  # the canary takes a share of the traffic
    PAUSED = "Paused"  # waits for an approval, or is suspended
    PROMOTING = "Promoting"  # the wanted version has all traffic; the last readers follow
    HEALTHY = "Healthy"  # the wanted version serves everywhere
    ROLLING_BACK = "RollingBack"  # the canary lost its traffic and is about to be dropped
    ROLLED_BACK = "RolledBack"  # stable serves; the wanted version failed
    HELD = "Held"  # as RolledBack, but the canary stays loaded for inspection
    BLOCKED = "Blocked"  # the wanted version can never work; nothing of it is loaded
    DEGRADED = "Degraded"  # stable is missing on too many replicas


class Outcome(StrEnum):
    """How a try of a release ended; failures end as one of the first three."""

    ROLLED_BACK = "RolledBack"
    HELD = "Held"
    BLOCKED = "Blocked"
    ABORTED = "Aborted"  # another version was wanted before it was promoted
    PROMOTED = "Promoted"
    ADOPTED = "Adopted"  # found in service without a status


@dataclass(frozen=True)
class Failure:
    """Why a release is not served. It stands while its digest is quarantined, or until the spec is edited."""

    release: Release
    outcome: Outcome
    reason: str
    message: str
    location: str
    generation: int
    time: Time

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Quarantine:
    """Bytes that are not tried again before spec.retry changes."""

    version: int
    digest: str
    reason: str
    time: Time

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class DigestPin:
    """A version number whose bytes were loaded once: it stands for these bytes permanently."""

    version: int
    digest: str

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class StepEvidence:
    """What one step showed when it ended, or a promoted version in its keep window.

    `step`: None for the keep window. `traffic`: the step whose traffic held then, itself unless it leaves the traffic
    as it is; None before the first, and in the keep window. Counts and latencies are since `traffic` began: a gate or
    a pause repeats those of its traffic, and adds to them. `verdict`: of the last analysis; None when none was made.
    `approved_key`: the fingerprint of the key that signed the approval; UNVERIFIED when no approvers are configured.
    """

    started_at: Time
    ended_at: Time
    step: Step | None = None
    traffic: Step | None = None
    canary_requests: int = 0
    canary_errors: int = 0
    canary_p95_seconds: float | None = None
    stable_requests: int = 0
    stable_errors: int = 0
    stable_p95_seconds: float | None = None
    shadow: Shadow | None = None
    approved_by: str = ""
    verdict: Verdict | None = None
    approved_key: str = ""

    __pydantic_config__ = DOCUMENT

    @property
    def name(self) -> str:
        """For people."""
        return str(self.step) if self.step else KEEP_WINDOW

    @property
    def traffic_name(self) -> str:
        """For people; empty before any traffic."""
        return str(self.traffic) if self.traffic else "" if self.step else KEEP_WINDOW


@dataclass(frozen=True)
class WarmReplica:
    """How the canary proved itself on one replica. `golden`: outputs matched, of how many, as `32/32`.

    `acceptance`: right answers to the acceptance set, of how many, as `48/50`; empty: there was none.
    """

    name: str
    p50_ms: float
    p95_ms: float
    iterations: int
    settled: bool
    golden: str
    acceptance: str = ""

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Suspension:
    """API pods send the canary nothing. `message`: who and why. `instances`: of the replicas that served it then."""

    message: str
    instances: tuple[str, ...] = ()

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class AttemptTrace:
    """The trace of a try, whose ids survive the operator. `id`: 32 hexadecimal digits, `root_span_id`: 16.

    `edited_at`: when the version was written that is tried; None: nobody knows, or this is not its first try.
    `ended_at`: when nothing more belonged to it: the version is everywhere, or no longer served. `sent`: so many of its
    spans, in their order, a collector has heard of.
    """

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    root_span_id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    edited_at: Time | None = None
    ended_at: Time | None = None
    sent: Annotated[int, Field(ge=0)] = 0

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Attempt:
    """One try of a release; in `history` once it ended.

    `stable`: what served at the same time; its `labels` name the rows and columns of a matrix. `message`,
    `location`: of the failure that ended the try. `requests`, `errors`: the canary's, over all steps.
    `suspensions`: how often API pods stopped sending it requests, perhaps because of it; `suspension`: the one that
    is not judged yet. `limits`, `baseline_p95_seconds`: what it was last judged by. `trace`: None where nothing is
    traced. `signed_by`, `signed_key`: who signed the bytes and with which key, by its fingerprint, as all replicas that
    told of it found; UNVERIFIED where they did not. Old attempts lose their `steps`, `replicas`, `labels` and `limits`
    (evidence.py).
    """

    release: Release
    started_at: Time
    stable: Release | None = None
    ended_at: Time | None = None
    outcome: Outcome | None = None
    reason: str = ""
    message: str = ""
    location: str = ""
    requests: int = 0
    errors: int = 0
    steps: tuple[StepEvidence, ...] = ()
    replicas: tuple[WarmReplica, ...] = ()
    labels: tuple[str, ...] = ()
    limits: AnalysisSpec | None = None
    baseline_p95_seconds: float | None = None
    suspensions: int = 0
    suspension: Suspension | None = None
    trace: AttemptTrace | None = None
    signed_by: str = ""
    signed_key: str = UNVERIFIED

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Analysis:
    """`failures`: assessments in a row that failed. `vanished`: counts of this step from API processes that are gone.

    `baseline_p95_seconds`: stable's latency before the canary was loaded.
    """

    assessed_at: Time | None = None
    failures: int = 0
    last: Assessment | None = None
    baseline_p95_seconds: float | None = None
    vanished: StepCounters = field(default_factory=StepCounters)

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Progress:
    """`at`: the last progress; `warm`, `step`, `samples`: as they were then. `stopped`: the deadline does not run."""

    at: Time
    warm: int = 0
    step: int | None = None
    samples: int = 0
    stopped: bool = False

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Condition:
    """As in Kubernetes' metav1.Condition."""

    type: str
    status: str
    reason: str
    message: str
    observed_generation: int
    last_transition_time: Time

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Status:
    """`current_step_index`: None until the present canary is warm everywhere and its first step begins.

    `traffic_step`: the name under which API pods count. `plan_revision`, `routes_revision`: of what was decided last; a
    higher one that is published or obeyed means that this status is old.
    """

    stable: Release | None = None
    canary: Release | None = None
    previous: Release | None = None
    current_step_index: int | None = None
    current_step_hash: str = ""
    step_started_at: Time | None = None
    promoted_at: Time | None = None
    traffic_step: str = ""
    plan_revision: int = 0
    routes_revision: int = 0
    analysis: Analysis = field(default_factory=Analysis)
    progress: Progress | None = None
    attempt: Attempt | None = None
    last_failure: Failure | None = None
    quarantined: tuple[Quarantine, ...] = ()
    history: tuple[Attempt, ...] = ()
    bound_versions: tuple[DigestPin, ...] = ()
    retry: str = ""
    conditions: tuple[Condition, ...] = ()

    __pydantic_config__ = DOCUMENT

    @property
    def knows_its_position(self) -> bool:
        """It names a stable version or a canary: it is more than empty."""
        return self.stable is not None or self.canary is not None

    def has_proved_itself(self, release: Release) -> bool:
        """It was promoted or found in service, and has not failed since."""
        attempts = [
            one.outcome for one in self.history if one.release == release and one.outcome is not Outcome.ABORTED
        ]
        return bool(attempts) and attempts[-1] in (Outcome.PROMOTED, Outcome.ADOPTED)

    def is_quarantined(self, release: Release) -> bool:
        """These bytes, under whatever version number."""
        return any(one.digest == release.digest for one in self.quarantined)


def read_status(document: Json | None) -> Status:
    """Raises InvalidDocument."""
    return read(Status, json.dumps(_without_texts(document or {})))


def parse_status(document: Json | None) -> Status:
    """An unreadable status is none at all: it is a cache."""
    try:
        return read_status(document)
    except InvalidDocument:
        return Status()


def _without_texts(document: Json) -> Json:
    """Without step evidence that is text, as it once was, so that the rest (the quarantine above all) is still read."""
    found = {key: document[key] for key in ("attempt", "history") if document.get(key)}
    if "attempt" in found:
        found["attempt"] = _without_text_steps(found["attempt"])
    if isinstance(found.get("history"), list):
        found["history"] = [_without_text_steps(one) for one in found["history"]]
    return {**document, **found}


def _without_text_steps(attempt: Any) -> Any:
    steps = attempt.get("steps") if isinstance(attempt, dict) else None
    if not isinstance(steps, list):
        return attempt
    return {
        **attempt,
        "steps": [one for one in steps if not (isinstance(one, dict) and isinstance(one.get("step"), str))],
    }
