"""Assesses what API pods counted, once in every interval."""

from dataclasses import replace

from rollout_operator.decide.analysis import Measured, assess
from rollout_operator.decide.failures import reject
from rollout_operator.decide.release_lookup import find_metadata
from rollout_operator.decide.situation import Situation
from rollout_operator.decide.step_totals import step_counters
from rollout_operator.decide.waits import before_any_traffic
from rollout_operator.documents.assessment import Assessment, Verdict
from rollout_operator.documents.release import Release


def assess_canary(s: Situation, canary: Release) -> Situation:
    """`failureLimit` failed assessments in a row take all traffic away and quarantine the bytes."""
    stable = s.status.stable
    if stable is None or not s.traffic.kind.changes_traffic or _is_withheld(s):
        return s
    if not is_due(s, s.status.step_started_at):
        return s
    counters = step_counters(s.status, s.seen)
    baseline = s.status.analysis.baseline_p95_seconds
    metadata = find_metadata(s.seen, stable)
    found = assess(s.spec.analysis, Measured(stable.version, canary.version, s.traffic, counters, baseline, metadata))
    s = note(s, found)
    if not is_over_the_limit(s):
        return s
    return reject(s, canary, "AnalysisFailed", found.message, s.describe_step(), quarantine=True)


def is_due(s: Situation, began: int | None) -> bool:
    """Not before an interval since `began` has passed, nor while other routes than those of this step are published."""
    last = max(began or 0, s.status.analysis.assessed_at or 0)
    published = s.seen.routes is not None and s.seen.routes.step == s.status.traffic_step
    return published and s.now - last >= s.spec.analysis.interval_seconds


def note(s: Situation, found: Assessment) -> Situation:
    """An assessment that could not be made changes no count (error is not failure); nor does one without new samples,
    or a single failed request in a quiet night would be a series of failures."""
    analysis = s.status.analysis
    is_new = analysis.last is None or analysis.assessed_at is None or found.samples != analysis.last.samples
    failures = 0 if found.verdict in (Verdict.PASSED, Verdict.INCONCLUSIVE) else analysis.failures
    failures += found.verdict is Verdict.FAILED and is_new
    noted = replace(analysis, assessed_at=s.now, failures=failures, last=found)
    return s.becomes(replace(s.status, analysis=noted))


def is_over_the_limit(s: Situation) -> bool:
    """So many assessments in a row failed that the release must end."""
    return s.status.analysis.failures >= s.spec.analysis.failure_limit


def _is_withheld(s: Situation) -> bool:
    """The canary has no traffic, or is about to lose it, for a fault that need not be its own (see recounts)."""
    return s.seen.routes is None or s.seen.routes.canary is None or before_any_traffic(s) is not None
