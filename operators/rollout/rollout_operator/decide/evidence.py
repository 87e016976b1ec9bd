"""What each step showed, kept for the report of a release; and the ends of steps and attempts."""

from dataclasses import replace

from rollout_operator.decide.analysis import P95
from rollout_operator.decide.release_lookup import find_metadata
from rollout_operator.decide.situation import Situation
from rollout_operator.decide.step_names import stable_name
from rollout_operator.decide.step_totals import step_counters
from rollout_operator.decide.tallies import in_words
from rollout_operator.documents.counters import StepCounters, quantile_seconds
from rollout_operator.documents.spec import Spec
from rollout_operator.documents.status import Analysis, Attempt, Outcome, Status, StepEvidence

MAX_STEPS = 40  # of one try that are kept
MAX_HISTORY = 20  # an object of more than 1.5 MB cannot be stored
MAX_WITH_PAIRS = 2  # of these, the newest keep the names of pairs
MAX_DETAILED = 10  # of these, the newest keep steps and replicas


def end_step(s: Situation) -> Status:
    """The status with the present step, if there is one, written down."""
    attempt, evidence = s.status.attempt, _evidence(s)
    if attempt is None or evidence is None:
        return s.status
    return replace(s.status, attempt=replace(attempt, steps=(*attempt.steps, evidence)[-MAX_STEPS:]))


def take_traffic_away(s: Situation) -> Status:
    """The status in which the canary has no step and so no traffic; what was measured last stays to be read."""
    if s.status.current_step_index is None:
        return s.status
    stable, analysis = s.status.stable, s.status.analysis
    are_its_steps = s.status.current_step_hash == s.spec.steps_hash
    return replace(
        end_step(s) if are_its_steps else s.status,
        current_step_index=None,
        step_started_at=None,
        traffic_step=stable_name(stable, s.now) if stable else "",
        analysis=Analysis(last=analysis.last, baseline_p95_seconds=analysis.baseline_p95_seconds),
    )


def end_attempt(status: Status, outcome: Outcome, reason: str, now: int, spec: Spec) -> Status:
    """The present try goes into history."""
    attempt, failure = status.attempt, status.last_failure
    if attempt is None:
        return replace(status, progress=None)
    is_its_own = failure is not None and failure.release == attempt.release and failure.reason == reason
    counted = [steps[-1] for steps in stages(attempt.steps)]
    ended = replace(
        attempt,
        ended_at=now,
        outcome=outcome,
        reason=reason,
        message=failure.message if failure and is_its_own else "",
        location=failure.location if failure and is_its_own else "",
        requests=sum(one.canary_requests for one in counted),
        errors=sum(one.canary_errors for one in counted),
        limits=spec.analysis,
        baseline_p95_seconds=status.analysis.baseline_p95_seconds,
        suspension=None,
    )
    return replace(status, attempt=None, progress=None, history=with_history(status, ended, spec))


def with_history(status: Status, ended: Attempt, spec: Spec) -> tuple[Attempt, ...]:
    """The history with one more ended try: bounded in length, and the older tries without details."""
    every = (*status.history, ended)[-min(spec.revision_history_limit, MAX_HISTORY) :]
    old, new = every[:-MAX_DETAILED], every[-MAX_DETAILED:]
    shortened = [*map(_without_pairs, new[:-MAX_WITH_PAIRS]), *new[-MAX_WITH_PAIRS:]]
    return (*(replace(one, steps=(), replicas=(), labels=(), limits=None) for one in old), *shortened)


def _without_pairs(attempt: Attempt) -> Attempt:
    return replace(attempt, steps=tuple(map(_without_names, attempt.steps)))


def _without_names(one: StepEvidence) -> StepEvidence:
    return replace(one, shadow=replace(one.shadow, worst=())) if one.shadow and one.shadow.worst else one


def stages(steps: tuple[StepEvidence, ...]) -> tuple[tuple[StepEvidence, ...], ...]:
    """Steps that share their traffic, and so their counts: those of the last one are of all."""
    found: list[tuple[StepEvidence, ...]] = []
    for one in steps:
        goes_on = bool(found) and found[-1][-1].traffic == one.traffic != one.step
        if goes_on:
            found[-1] += (one,)
        else:
            found.append((one,))
    return tuple(found)


def keep_window_evidence(s: Situation) -> StepEvidence | None:
    """What stable showed since it was promoted, as of the version that it goes back from."""
    stable, counters = s.status.stable, step_counters(s.status, s.seen)
    if stable is None or counters is None:
        return None
    began = s.status.promoted_at or s.now
    requests, errors, p95 = _counts(counters, stable.version)
    return StepEvidence(began, s.now, canary_requests=requests, canary_errors=errors, canary_p95_seconds=p95)


def _evidence(s: Situation) -> StepEvidence | None:
    step, stable, canary = s.step, s.status.stable, s.status.canary
    if step is None or stable is None or canary is None:
        return None
    traffic = s.traffic if s.traffic.kind.changes_traffic else None
    counters = (step_counters(s.status, s.seen) if traffic else None) or StepCounters()
    requests, errors, p95 = _counts(counters, canary.version)
    stable_requests, stable_errors, stable_p95 = _counts(counters, stable.version)
    opening = s.opening_of(step)
    last = s.status.analysis.last if traffic else None
    copies = s.traffic.kind.shadow_percent > 0  # else a copy that ends late would be counted with the next step
    return StepEvidence(
        step=step,
        started_at=s.status.step_started_at or s.now,
        ended_at=s.now,
        traffic=traffic,
        canary_requests=requests,
        canary_errors=errors,
        canary_p95_seconds=p95,
        stable_requests=stable_requests,
        stable_errors=stable_errors,
        stable_p95_seconds=stable_p95,
        shadow=in_words(counters.shadow, find_metadata(s.seen, stable)) if copies else None,
        approved_by=opening.by if opening else "",
        approved_key=opening.key if opening else "",
        verdict=last.verdict if last else None,
    )


def _counts(counters: StepCounters, version: int) -> tuple[int, int, float | None]:
    """(requests, errors, p95 in seconds) of a version."""
    own = counters.of(version)
    return own.requests, own.errors, quantile_seconds(own, counters.latency_bounds_seconds, P95)
