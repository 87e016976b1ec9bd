"""Judges what is served, once every interval."""

from dataclasses import replace

from rollout_operator.decide.analysis import Measured, assess, assess_alone
from rollout_operator.decide.evidence import keep_window_evidence
from rollout_operator.decide.failures import reject, standing_failure
from rollout_operator.decide.situation import Event, Situation
from rollout_operator.decide.step_names import stable_name
from rollout_operator.decide.step_totals import newly_vanished, step_counters
from rollout_operator.decide.waits import before_any_traffic
from rollout_operator.documents.assessment import Assessment, Verdict
from rollout_operator.documents.counters import total
from rollout_operator.documents.status import Analysis, Attempt


def keep_vanished_counts(s: Situation) -> Situation:
    gone = newly_vanished(s.status, s.seen)
    if not gone.samples:
        return s
    kept = replace(s.status.analysis, vanished=total((s.status.analysis.vanished, gone)))
    return s.becomes(replace(s.status, analysis=kept))


def assess_canary(s: Situation) -> Situation:
    """`failureLimit` failed assessments in a row take all traffic away and quarantine the bytes."""
    canary, stable = s.status.canary, s.status.stable
    if canary is None or stable is None or not s.traffic.kind.changes_traffic or _is_withheld(s) or not _is_due(s):
        return s
    counters = step_counters(s.status, s.seen)
    baseline = s.status.analysis.baseline_p95_seconds
    found = assess(s.spec.analysis, Measured(stable.version, canary.version, s.traffic, counters, baseline))
    s = _note(s, found)
    if s.status.analysis.failures < s.spec.analysis.failure_limit:
        return s
    return reject(s, canary, "AnalysisFailed", found.message, s.describe_step(), quarantine=True)


def judge_keep_window(s: Situation) -> Situation:
    """In the keep window a promoted version that fails goes back to the one before, which is still warm."""
    stable, previous = s.status.stable, s.status.previous
    if stable is None or previous is None or s.status.canary is not None or not _is_due(s):
        return s
    found = assess_alone(s.spec.analysis, stable.version, step_counters(s.status, s.seen))
    s = _note(s, found)
    if s.status.analysis.failures < s.spec.analysis.failure_limit or not _can_take_over(s):
        return s
    seen = keep_window_evidence(s)
    s = reject(s, stable, "AnalysisFailed", found.message, "the keep window", quarantine=True)
    status = replace(
        s.status,
        stable=previous,
        previous=None,
        canary=stable,
        promoted_at=None,
        traffic_step=stable_name(previous, s.now),
        analysis=Analysis(last=found),
        attempt=Attempt(stable, s.now, previous, steps=(seen,) if seen else ()),
    )
    return s.becomes(status, Event("FellBack", f"{previous} is stable again: {stable} failed once promoted", True))


def _can_take_over(s: Situation) -> bool:
    previous = s.status.previous
    return previous is not None and 0 < len(s.serving) == len(s.warm_on(previous))


def _is_withheld(s: Situation) -> bool:
    """The canary has no traffic, or is about to lose it, for a fault that need not be its own (see recounts)."""
    return s.seen.routes is None or s.seen.routes.canary is None or before_any_traffic(s) is not None


def _is_due(s: Situation) -> bool:
    """Not before an interval of the step has passed, nor while its routes are not the published ones."""
    began = s.status.step_started_at if s.status.canary else s.status.promoted_at
    last = max(began or 0, s.status.analysis.assessed_at or 0)
    published = s.seen.routes is not None and s.seen.routes.step == s.status.traffic_step
    failed = s.status.canary is not None and standing_failure(s, s.status.canary) is not None
    return published and not failed and s.now - last >= s.spec.analysis.interval_seconds


def _note(s: Situation, found: Assessment) -> Situation:
    """An assessment that could not be made changes no count (error is not failure); nor does one without new samples,
    or a single failed request in a quiet night would be a series of failures."""
    analysis = s.status.analysis
    is_new = analysis.last is None or analysis.assessed_at is None or found.samples != analysis.last.samples
    failures = 0 if found.verdict in (Verdict.PASSED, Verdict.INCONCLUSIVE) else analysis.failures
    failures += found.verdict is Verdict.FAILED and is_new
    noted = replace(analysis, assessed_at=s.now, failures=failures, last=found)
    return s.becomes(replace(s.status, analysis=noted))
