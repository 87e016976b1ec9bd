"""The part of the status that is for people; the rest is what the operator remembers."""

from dataclasses import dataclass

from rollout_operator.decide.situation import Situation
from rollout_operator.documents.agent import VersionReport, VersionState
from rollout_operator.documents.codec import DOCUMENT, Json, dump
from rollout_operator.documents.observation import Observation, Replica
from rollout_operator.documents.routes import Routes
from rollout_operator.documents.status import Phase, Status

MAX_REPLICA_STATES = 50
MAX_MESSAGE = 1024


@dataclass(frozen=True)
class ReplicaCounts:
    """Of the canary, or of stable when there is none."""

    desired: int
    loaded: int
    warm: int
    failed: int

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class ReplicaState:
    """One replica and its version: the canary, or stable when there is none.

    `p50_ms`, `p95_ms`: at the end of warm-up. `golden`: outputs that matched, of how many, as `32/32`.
    `acceptance`: right answers to the acceptance set, as `48/50`; empty: there is none.
    """

    name: str
    version: int
    state: str
    reason: str = ""
    message: str = ""
    p50_ms: float | None = None
    p95_ms: float | None = None
    settled: bool | None = None
    golden: str = ""
    acceptance: str = ""

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Report:
    """`message`: where the rollout stands, and what it waits for. `step`, `warm`: for the printer columns."""

    observed_generation: int
    phase: Phase
    message: str
    canary_weight: int
    step: str
    warm: str
    replicas: ReplicaCounts
    replica_states: tuple[ReplicaState, ...]

    __pydantic_config__ = DOCUMENT


def build_report(s: Situation, phase: Phase, message: str, routes: Routes | None) -> Report:
    """`routes`: those in force once this decision is written."""
    index, counts = s.status.current_step_index, _count(s)
    return Report(
        observed_generation=s.spec.generation,
        phase=phase,
        message=message[:MAX_MESSAGE],
        canary_weight=routes.canary_weight if routes else 0,
        step=f"{index + 1}/{len(s.spec.steps)}" if index is not None else "",
        warm=f"{counts.warm}/{counts.desired}",
        replicas=counts,
        replica_states=_states(s)[:MAX_REPLICA_STATES],
    )


def status_document(status: Status, report: Report) -> Json:
    """The status of the object: memory and report in one; weights stand with the versions that have them."""
    document = dump(status) | dump(report)
    weight = document.pop("canaryWeight")
    for role, share in (("stable", 100 - weight), ("canary", weight)):
        if role in document:
            document[role]["weight"] = share
    return document


def is_degraded(seen: Observation, serving: int) -> bool:
    """Stable is missing on more than half of the replicas, or on all."""
    return serving == 0 or 2 * serving < seen.desired_replicas


def _count(s: Situation) -> ReplicaCounts:
    found = [report for one in s.seen.replicas if (report := _report_of(s, one))]
    loaded = sum(report.state in (VersionState.WARMING, VersionState.WARM) for report in found)
    warm = sum(report.state is VersionState.WARM for report in found)
    failed = sum(report.state is VersionState.FAILED for report in found)
    return ReplicaCounts(s.seen.desired_replicas, loaded, warm, failed)


def _states(s: Situation) -> tuple[ReplicaState, ...]:
    """What is not warm comes first, as people look for that."""
    states = [_state(s, one) for one in s.seen.replicas]
    return tuple(sorted(states, key=lambda state: (state.state == "Warm", state.name)))


def _state(s: Situation, one: Replica) -> ReplicaState:
    release, report = s.status.canary or s.status.stable or s.wanted, _report_of(s, one)
    if report is None:
        what = "Absent" if one.state else "Unreachable"
        return ReplicaState(one.name, release.version, what)
    warmup = report.warmup
    return ReplicaState(
        name=one.name,
        version=report.version,
        state=str(report.state),
        reason=report.reason or "",
        message=report.message[:256],
        p50_ms=warmup.p50_ms if warmup else None,
        p95_ms=warmup.p95_ms if warmup else None,
        settled=warmup.settled if warmup else None,
        golden=f"{warmup.golden.matched}/{warmup.golden.total}" if warmup else "",
        acceptance=str(warmup.acceptance) if warmup and warmup.acceptance else "",
    )


def _report_of(s: Situation, one: Replica) -> VersionReport | None:
    release = s.status.canary or s.status.stable or s.wanted
    return one.state.of(release) if one.state else None
