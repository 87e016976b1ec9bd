"""The spans of a try, as the status tells them: whoever makes one, and however often, it is the same, with its id."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from rollout_operator.documents.assessment import Verdict
from rollout_operator.documents.release_span import Attributes, ReleaseSpan
from rollout_operator.documents.status import Attempt, AttemptTrace, Outcome, Status, StepEvidence

FAILED = frozenset({Outcome.ROLLED_BACK, Outcome.HELD, Outcome.BLOCKED})


def release_spans(status: Status, rollout: str, model: str) -> Iterator[ReleaseSpan]:
    """Of all tries: those that ended and of which no collector has heard. The root comes last.

    Attributes hold no address of a bundle, no message, and nobody who approved. Of a try with more steps than the
    status keeps, the first ones are in the trace.
    """
    named = {"medinfer.rollout": rollout, "medinfer.model": model}
    for attempt in (*status.history, *((status.attempt,) if status.attempt else ())):
        if attempt.trace:
            spans = enumerate(_spans(status, attempt, attempt.trace, named), 1)
            yield from (replace(span, number=number) for number, span in spans if number > attempt.trace.sent)


def has_unsent_spans(status: Status) -> bool:
    """Some that no collector has heard of."""
    return next(release_spans(status, "", ""), None) is not None


def _spans(status: Status, attempt: Attempt, trace: AttemptTrace, named: Attributes) -> Iterator[ReleaseSpan]:
    named = {**named, "medinfer.version": attempt.release.version, "medinfer.digest": attempt.release.digest}
    warm_at = attempt.steps[0].started_at if attempt.steps else attempt.ended_at or trace.ended_at
    if trace.edited_at:
        yield _part(trace, "notice", trace.edited_at, attempt.started_at, named)
    if warm_at:
        yield _part(trace, "prepare", attempt.started_at, warm_at, named)
    for one in attempt.steps:
        yield _step(trace, one, named)
    if trace.ended_at is None:
        return
    if attempt.outcome is Outcome.PROMOTED and attempt.ended_at:
        yield _part(trace, "promote", attempt.ended_at, trace.ended_at, {**named, "medinfer.weight_percent": 100})
    elif attempt.steps:
        yield _part(trace, "take back", attempt.steps[-1].ended_at, trace.ended_at, named)
    yield _root(status, attempt, trace, named)


def _root(status: Status, attempt: Attempt, trace: AttemptTrace, named: Attributes) -> ReleaseSpan:
    """A try that is held, or blocked at the first install, has not ended; then its failure says how it went."""
    failure = status.last_failure if status.last_failure and status.last_failure.release == attempt.release else None
    outcome, reason = attempt.outcome, attempt.reason
    if outcome is None and failure:
        outcome, reason = failure.outcome, failure.reason
    said = {"medinfer.outcome": str(outcome or ""), "medinfer.reason": reason, **named}
    if attempt.stable:
        said["medinfer.stable_version"] = attempt.stable.version
    said |= {"medinfer.canary.requests": attempt.requests, "medinfer.canary.errors": attempt.errors}
    said["medinfer.suspensions"] = attempt.suspensions
    ended_at = trace.ended_at or attempt.started_at
    id, error = int(trace.root_span_id, 16), reason if outcome in FAILED else ""
    began_at = trace.edited_at or attempt.started_at
    return ReleaseSpan(trace.id, id, 0, "release", began_at, ended_at, said, error)


def _step(trace: AttemptTrace, one: StepEvidence, named: Attributes) -> ReleaseSpan:
    """Named by its kind. The counts are those of the traffic that held then."""
    kind = one.step.members[0] if one.step else one.name
    traffic = one.traffic.kind if one.traffic else None
    said: dict[str, str | int | float | bool] = {
        **named,
        "medinfer.step": one.name,
        "medinfer.weight_percent": traffic.weight if traffic else 0,
        "medinfer.shadow_percent": traffic.shadow_percent if traffic else 0,
        "medinfer.canary.requests": one.canary_requests,
        "medinfer.canary.errors": one.canary_errors,
        "medinfer.stable.requests": one.stable_requests,
        "medinfer.stable.errors": one.stable_errors,
    }
    for role, seconds in (("canary", one.canary_p95_seconds), ("stable", one.stable_p95_seconds)):
        if seconds is not None:
            said[f"medinfer.{role}.p95_ms"] = round(1000 * seconds, 3)
    if one.shadow:
        said |= {"medinfer.shadow.samples": one.shadow.samples, "medinfer.shadow.agreed": one.shadow.agreed}
        said["medinfer.shadow.failed"] = one.shadow.failed
    if one.verdict:
        said["medinfer.verdict"] = str(one.verdict)
    if one.step and one.step.kind.gate_name:
        said["medinfer.approved"] = bool(one.approved_by)
    error = "AnalysisFailed" if one.verdict is Verdict.FAILED else ""
    return _part(trace, kind, one.started_at, one.ended_at, said, error, one.name)


def _part(
    trace: AttemptTrace, name: str, began: int, ended: int, said: Attributes, error: str = "", which: str = ""
) -> ReleaseSpan:
    """A child of the root; no two of one trace have name, beginning and `which` in common."""
    hashed = hashlib.sha256(f"{trace.id}/{name}/{which}/{began}".encode()).digest()
    id, parent = int.from_bytes(hashed[:8], "big") or 1, int(trace.root_span_id, 16)
    return ReleaseSpan(trace.id, id, parent, name, began, max(began, ended), said, error)
