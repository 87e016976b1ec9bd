"""The evidence for one release, as the JSON object of report.json; report.md and the plots are made from it alone."""

import re
from collections.abc import Iterator

from rollout_operator.decide.evidence import DETAILED_MAX, stages
from rollout_operator.documents.codec import Json, dump, format_time
from rollout_operator.documents.spec import AnalysisSpec
from rollout_operator.documents.status import Outcome, StepEvidence, Try

from kubectl_modelrollout.errors import Problem
from kubectl_modelrollout.history import counted
from kubectl_modelrollout.measurements import cells, in_words
from kubectl_modelrollout.rollout import Rollout
from kubectl_modelrollout.verdicts import judge

SCHEMA_VERSION = 1
FAILURES = frozenset({Outcome.ROLLED_BACK, Outcome.HELD, Outcome.BLOCKED})


def find_try(rollout: Rollout, version: int | None) -> Try:
    """The last one of this version; without a version, the last one of all."""
    tries = _tries(rollout)
    if not tries:
        raise Problem(f"{rollout.name} has released nothing yet: there is no evidence to report")
    found = [one for one in tries if version in (None, one.release.version)]
    if not found:
        known = ", ".join(sorted({str(one.release) for one in tries}))
        raise Problem(f"{rollout.name} remembers no release of version {version}; it remembers {known}")
    return found[-1]


def release_evidence(rollout: Rollout, trial: Try, now: int) -> Json:
    """Times as RFC 3339 text and in seconds; latencies in the unit that the name says. `now`: seconds since 1970."""
    limits = trial.limits or (rollout.spec.analysis if rollout.spec else AnalysisSpec())
    requests, errors = counted(trial)
    return {
        "schemaVersion": SCHEMA_VERSION,
        "writtenAt": format_time(now),
        "rollout": rollout.name,
        "namespace": rollout.namespace,
        "model": rollout.spec.model if rollout.spec else "",
        "release": dump(trial.release),
        "stable": dump(trial.stable) if trial.stable else None,
        "startedAt": format_time(trial.started_at),
        "endedAt": format_time(trial.ended_at) if trial.ended_at is not None else None,
        "seconds": (now if trial.ended_at is None else trial.ended_at) - trial.started_at,
        "outcome": trial.outcome,
        "reason": trial.reason,
        "failure": _failure(trial),
        "requests": requests,
        "errors": errors,
        "suspensions": trial.suspensions,
        "limits": dump(limits),
        "baselineP95Seconds": trial.baseline_p95_seconds,
        "labels": list(trial.labels),
        "replicas": [dump(one) for one in sorted(trial.replicas, key=lambda one: natural(one.name))],
        "stages": [_stage(steps, trial, limits) for steps in stages(trial.steps)],
        "approvals": [_approval(one, trial) for one in trial.steps if one.approved_by],
        "isSummary": _is_summary(rollout, trial),
        "otherTries": [_other(one) for one in _tries(rollout) if one.release == trial.release and one is not trial],
    }


def _failure(trial: Try) -> Json | None:
    if trial.outcome not in FAILURES:
        return None
    return {"location": trial.location, "message": in_words(trial.message, trial.labels)}


def _approval(gate: StepEvidence, trial: Try) -> Json:
    who = {"gate": gate.step.removeprefix("gate "), "by": gate.approved_by}
    return who | {"at": format_time(gate.ended_at), "atSeconds": gate.ended_at - trial.started_at}


def _tries(rollout: Rollout) -> list[Try]:
    return [*rollout.status.history, *([rollout.status.trial] if rollout.status.trial else [])]


def _is_summary(rollout: Rollout, trial: Try) -> bool:
    """It is so long ago that steps and replicas are not kept any more."""
    return any(one is trial for one in rollout.status.history[:-DETAILED_MAX])


def _stage(steps: tuple[StepEvidence, ...], trial: Try, limits: AnalysisSpec) -> Json:
    """Steps of one share of the traffic; the counts are of all of them."""
    last, first = steps[-1], steps[0]
    return {
        "traffic": last.traffic,
        "weight": _number(r"setWeight (\d+)", last.traffic),
        "shadowPercent": _number(r"shadow (\d+) %", last.traffic),
        "startedAt": format_time(first.started_at),
        "endedAt": format_time(last.ended_at),
        "startSeconds": first.started_at - trial.started_at,
        "seconds": last.ended_at - first.started_at,
        "steps": [_step(one, trial) for one in steps],
        "canary": _counts(last.canary_requests, last.canary_errors, last.canary_p95_seconds),
        "stable": _counts(last.stable_requests, last.stable_errors, last.stable_p95_seconds),
        "shadow": dump(last.shadow) if last.shadow else None,
        "measurements": list(_measurements(last, trial, limits)),
    }


def _step(one: StepEvidence, trial: Try) -> Json:
    began = one.started_at - trial.started_at
    return {"step": one.step, "startSeconds": began, "seconds": one.ended_at - one.started_at}


def _measurements(step: StepEvidence, trial: Try, limits: AnalysisSpec) -> Iterator[Json]:
    for one in judge(step, limits, trial.baseline_p95_seconds):
        what, value, limit, samples, verdict = cells(one, trial.labels)
        words = {"what": what, "value": value, "limit": limit, "samples": samples, "verdict": verdict}
        yield dump(one) | {"words": words}


def _counts(requests: int, errors: int, p95_seconds: float | None) -> Json:
    return {"requests": requests, "errors": errors, "p95Seconds": p95_seconds}


def _other(one: Try) -> Json:
    ended = format_time(one.ended_at) if one.ended_at is not None else None
    return {"startedAt": format_time(one.started_at), "endedAt": ended, "outcome": one.outcome, "reason": one.reason}


def _number(pattern: str, text: str) -> int:
    """0 when it is not there."""
    found = re.fullmatch(pattern, text)
    return int(found[1]) if found else 0


def natural(name: str) -> tuple[str, int]:
    """Pods by their number.

    >>> sorted(["triton-10", "triton-9"], key=natural)
    ['triton-9', 'triton-10']
    """
    stem, _, number = name.rpartition("-")
    return (stem, int(number)) if number.isdecimal() else (name, -1)
