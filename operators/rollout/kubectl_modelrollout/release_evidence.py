"""The evidence for one release, as the JSON object of report.json; report.md and the plots are made from it alone."""

from collections.abc import Iterator

from rollout_operator.decide.evidence import MAX_DETAILED, stages
from rollout_operator.documents.codec import Json, dump, format_time
from rollout_operator.documents.spec import AnalysisSpec
from rollout_operator.documents.status import UNVERIFIED, Attempt, Outcome, StepEvidence
from rollout_operator.documents.step_kinds import Step

from kubectl_modelrollout.errors import Problem
from kubectl_modelrollout.history import counted
from kubectl_modelrollout.measurements import cells, in_words
from kubectl_modelrollout.rollout import Rollout
from kubectl_modelrollout.verdicts import judge

SCHEMA_VERSION = 1
FAILURES = frozenset({Outcome.ROLLED_BACK, Outcome.HELD, Outcome.BLOCKED})


def find_attempt(rollout: Rollout, version: int | None) -> Attempt:
    """The last one of this version; without a version, the last one of all."""
    attempts = _attempts(rollout)
    if not attempts:
        raise Problem(f"{rollout.name} has released nothing yet: there is no evidence to report")
    found = [one for one in attempts if version in (None, one.release.version)]
    if not found:
        known = ", ".join(sorted({str(one.release) for one in attempts}))
        raise Problem(f"{rollout.name} remembers no release of version {version}; it remembers {known}")
    return found[-1]


def release_evidence(rollout: Rollout, attempt: Attempt, now: int) -> Json:
    """Times as RFC 3339 text and in seconds; latencies in the unit that the name says. `now`: seconds since 1970."""
    limits = attempt.limits or (rollout.spec.analysis if rollout.spec else AnalysisSpec())
    requests, errors = counted(attempt)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "writtenAt": format_time(now),
        "rollout": rollout.name,
        "namespace": rollout.namespace,
        "model": rollout.spec.model if rollout.spec else "",
        "release": dump(attempt.release),
        "signedBy": {"name": attempt.signed_by, "key": attempt.signed_key},
        "stable": dump(attempt.stable) if attempt.stable else None,
        "startedAt": format_time(attempt.started_at),
        "endedAt": format_time(attempt.ended_at) if attempt.ended_at is not None else None,
        "seconds": (now if attempt.ended_at is None else attempt.ended_at) - attempt.started_at,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "failure": _failure(attempt),
        "requests": requests,
        "errors": errors,
        "suspensions": attempt.suspensions,
        "limits": dump(limits),
        "baselineP95Seconds": attempt.baseline_p95_seconds,
        "labels": list(attempt.labels),
        "replicas": [dump(one) for one in sorted(attempt.replicas, key=lambda one: natural(one.name))],
        "stages": [_stage(steps, attempt, limits) for steps in stages(attempt.steps)],
        "approvals": [_approval(one, attempt) for one in attempt.steps if one.approved_by],
        "isSummary": _is_summary(rollout, attempt),
        "otherAttempts": [
            _other(one) for one in _attempts(rollout) if one.release == attempt.release and one is not attempt
        ],
    }


def _failure(attempt: Attempt) -> Json | None:
    if attempt.outcome not in FAILURES:
        return None
    return {"location": attempt.location, "message": in_words(attempt.message, attempt.labels)}


def _approval(gate: StepEvidence, attempt: Attempt) -> Json:
    who = {"gate": gate.step.kind.gate_name if gate.step else "", "by": gate.approved_by}
    who |= {"key": gate.approved_key or UNVERIFIED}
    return who | {"at": format_time(gate.ended_at), "atSeconds": gate.ended_at - attempt.started_at}


def _attempts(rollout: Rollout) -> list[Attempt]:
    return [*rollout.status.history, *([rollout.status.attempt] if rollout.status.attempt else [])]


def _is_summary(rollout: Rollout, attempt: Attempt) -> bool:
    """It is so long ago that steps and replicas are not kept any more."""
    return any(one is attempt for one in rollout.status.history[:-MAX_DETAILED])


def _stage(steps: tuple[StepEvidence, ...], attempt: Attempt, limits: AnalysisSpec) -> Json:
    """Steps of one share of the traffic; the counts are of all of them."""
    last, first = steps[-1], steps[0]
    traffic = (last.traffic or Step()).kind
    return {
        "traffic": last.traffic_name,
        "weight": traffic.weight,
        "shadowPercent": traffic.shadow_percent,
        "startedAt": format_time(first.started_at),
        "endedAt": format_time(last.ended_at),
        "startSeconds": first.started_at - attempt.started_at,
        "seconds": last.ended_at - first.started_at,
        "steps": [_step(one, attempt) for one in steps],
        "canary": _counts(last.canary_requests, last.canary_errors, last.canary_p95_seconds),
        "stable": _counts(last.stable_requests, last.stable_errors, last.stable_p95_seconds),
        "shadow": dump(last.shadow) if last.shadow else None,
        "measurements": list(_measurements(last, attempt, limits)),
    }


def _step(one: StepEvidence, attempt: Attempt) -> Json:
    began = one.started_at - attempt.started_at
    return {"step": one.name, "startSeconds": began, "seconds": one.ended_at - one.started_at}


def _measurements(seen: StepEvidence, attempt: Attempt, limits: AnalysisSpec) -> Iterator[Json]:
    for one in judge(seen, limits, attempt.baseline_p95_seconds):
        what, value, limit, samples, verdict = cells(one, attempt.labels)
        words = {"what": what, "value": value, "limit": limit, "samples": samples, "verdict": verdict}
        yield dump(one) | {"words": words}


def _counts(requests: int, errors: int, p95_seconds: float | None) -> Json:
    return {"requests": requests, "errors": errors, "p95Seconds": p95_seconds}


def _other(one: Attempt) -> Json:
    ended = format_time(one.ended_at) if one.ended_at is not None else None
    return {"startedAt": format_time(one.started_at), "endedAt": ended, "outcome": one.outcome, "reason": one.reason}


def natural(name: str) -> tuple[str, int]:
    """Pods by their number.

    >>> sorted(["triton-10", "triton-9"], key=natural)
    ['triton-9', 'triton-10']
    """
    stem, _, number = name.rpartition("-")
    return (stem, int(number)) if number.isdecimal() else (name, -1)
