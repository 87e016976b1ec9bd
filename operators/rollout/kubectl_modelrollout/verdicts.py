"""What a step showed, held against the limits of its try."""

from collections.abc import Iterator

from rollout_operator.decide.analysis import assess_rate, assess_ratio, assess_shadow
from rollout_operator.documents.assessment import Measurement
from rollout_operator.documents.spec import AnalysisSpec
from rollout_operator.documents.status import StepEvidence

SHADOW_SAMPLES_MIN = 1  # the step itself says how many it needs, and did not end before


def judge(step: StepEvidence, limits: AnalysisSpec, baseline_p95_seconds: float | None) -> Iterator[Measurement]:
    """As the operator judges it; a latency of too few answers says nothing."""
    stable = step.stable_p95_seconds if step.stable_requests >= limits.min_samples else None
    canary = step.canary_p95_seconds if step.canary_requests >= limits.min_samples else None
    if step.shadow:
        yield from assess_shadow(limits, step.shadow, SHADOW_SAMPLES_MIN)
    if step.canary_requests:
        counted = (step.canary_errors, step.canary_requests)
        yield assess_rate("errorRate", *counted, limits.max_error_rate, limits.min_samples)
    if step.canary_requests and step.stable_requests:
        yield assess_ratio("latencyRatio", canary, stable, limits.max_latency_ratio, step.canary_requests)
    if baseline_p95_seconds is not None and step.stable_requests:
        limit = limits.max_stable_slowdown
        yield assess_ratio("stableSlowdown", stable, baseline_p95_seconds, limit, step.stable_requests)
