"""What a step showed, held against the limits of its try."""

from collections.abc import Iterator

from rollout_operator.decide.analysis import assess_ratio, assess_shadow
from rollout_operator.decide.rates import assess_rate
from rollout_operator.documents.assessment import Measurement
from rollout_operator.documents.spec import AnalysisSpec
from rollout_operator.documents.status import StepEvidence

SHADOW_SAMPLES_MIN = 1  # the step itself says how many it needs, and did not end before


def judge(seen: StepEvidence, limits: AnalysisSpec, baseline_p95_seconds: float | None) -> Iterator[Measurement]:
    """As the operator judges it; a latency of too few answers says nothing."""
    stable = seen.stable_p95_seconds if seen.stable_requests >= limits.min_samples else None
    canary = seen.canary_p95_seconds if seen.canary_requests >= limits.min_samples else None
    if seen.shadow:
        yield from assess_shadow(limits, seen.shadow, SHADOW_SAMPLES_MIN)
    if seen.canary_requests:
        counted = (seen.canary_errors, seen.canary_requests)
        yield assess_rate("errorRate", *counted, limits.max_error_rate, limits.min_samples)
    if seen.canary_requests and seen.stable_requests:
        yield assess_ratio("latencyRatio", canary, stable, limits.max_latency_ratio, seen.canary_requests)
    if baseline_p95_seconds is not None and seen.stable_requests:
        limit = limits.max_stable_slowdown
        yield assess_ratio("stableSlowdown", stable, baseline_p95_seconds, limit, seen.stable_requests)
