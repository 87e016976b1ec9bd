"""Is the canary as good as stable? Pure: counts in, one Assessment out.

A rate fails only when its 95 % Wilson bound lies beyond the limit, and passes only when the rate itself lies within it
on enough samples: between the two, more samples decide. Too few samples are never success.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rollout_operator.decide.rates import CLASS_SAMPLES_MIN, assess_rate
from rollout_operator.decide.tallies import assess_tally
from rollout_operator.documents.assessment import Assessment, Measurement, Verdict, summarize
from rollout_operator.documents.counters import Shadow, StepCounters, VersionCounters, quantile_seconds
from rollout_operator.documents.routes import VersionMetadata
from rollout_operator.documents.spec import AnalysisSpec
from rollout_operator.documents.step_kinds import Step

P95 = 0.95


@dataclass(frozen=True)
class Measured:
    """What one step showed. `counters`: None when no API pod could be asked. `baseline_p95_seconds`: see Analysis.

    `metadata`: stable's, which names the rows of a tally.
    """

    stable: int
    canary: int
    traffic: Step
    counters: StepCounters | None
    baseline_p95_seconds: float | None = None
    metadata: VersionMetadata | None = None


def assess(spec: AnalysisSpec, measured: Measured) -> Assessment:
    """Compares the canary with stable on what one step showed.

    With a weight: error rate, and p95 against stable's. With a shadow: failed copies, disagreement over all and for
    each class. Always: whether stable is slower than before the canary was loaded. Error when no API pod answered.
    """
    if measured.counters is None:
        return Assessment(Verdict.ERROR, (Measurement("apiPods", Verdict.ERROR, "no API pod answers"),))
    counters, traffic = measured.counters, measured.traffic.kind
    measurements: list[Measurement] = []
    if traffic.weight:
        measurements += _assess_canary(spec, measured, counters)
    if traffic.shadow_percent:
        measurements += assess_shadow(spec, counters.shadow, traffic.min_compared, measured.metadata)
    measurements += _assess_slowdown(spec, measured, counters)
    return summarize(tuple(measurements), counters.samples)


def assess_alone(spec: AnalysisSpec, version: int, counters: StepCounters | None) -> Assessment:
    """A promoted version has nothing to be compared with: its error rate alone is judged."""
    if counters is None:
        return Assessment(Verdict.ERROR, (Measurement("apiPods", Verdict.ERROR, "no API pod answers"),))
    own = counters.of(version)
    rate = assess_rate("errorRate", own.errors, own.requests, spec.max_error_rate, spec.min_samples)
    return summarize((rate,), counters.samples)


def _assess_canary(spec: AnalysisSpec, measured: Measured, counters: StepCounters) -> Iterator[Measurement]:
    stable, canary = counters.of(measured.stable), counters.of(measured.canary)
    yield assess_rate("errorRate", canary.errors, canary.requests, spec.max_error_rate, spec.min_samples)
    if stable.requests < spec.min_samples:
        few = f"stable needs {spec.min_samples} samples, has {stable.requests}"
        yield Measurement("stableSamples", Verdict.INCONCLUSIVE, few, samples=stable.requests)
    bounds = counters.latency_bounds_seconds
    yield assess_ratio(
        "latencyRatio", _p95(canary, bounds, spec), _p95(stable, bounds, spec), spec.max_latency_ratio, canary.requests
    )


def _assess_slowdown(spec: AnalysisSpec, measured: Measured, counters: StepCounters) -> Iterator[Measurement]:
    stable = counters.of(measured.stable)
    now, before = _p95(stable, counters.latency_bounds_seconds, spec), measured.baseline_p95_seconds
    if before is not None:
        yield assess_ratio("stableSlowdown", now, before, spec.max_stable_slowdown, stable.requests)


def assess_ratio(name: str, value: float | None, base: float | None, limit: float, samples: int) -> Measurement:
    """A ratio of two p95, each of enough answers."""
    if value is None or not base:
        return Measurement(name, Verdict.INCONCLUSIVE, f"{name} needs more answers", limit=limit, samples=samples)
    ratio = value / base
    verdict = Verdict.FAILED if ratio > limit else Verdict.PASSED
    shown = f"{name} {ratio:.2f} ({value * 1000:.1f} ms to {base * 1000:.1f} ms), at most {limit:g} allowed"
    return Measurement(name, verdict, shown, ratio, limit, samples)


def _p95(version: VersionCounters, bounds: tuple[float, ...], spec: AnalysisSpec) -> float | None:
    enough = sum(version.latency_buckets) >= spec.min_samples
    return quantile_seconds(version, bounds, P95) if enough else None


def assess_shadow(
    spec: AnalysisSpec, shadow: Shadow, min_samples: int, metadata: VersionMetadata | None = None
) -> Iterator[Measurement]:
    """Failed copies, then disagreement over all classes and for each of stable's; each rate on its Wilson bound."""
    asked = shadow.samples + shadow.failed
    yield assess_rate("shadowErrorRate", shadow.failed, asked, spec.max_error_rate, min_samples)
    disagreed = shadow.samples - min(shadow.agreed, shadow.samples)
    yield assess_rate("disagreement", disagreed, shadow.samples, 1 - spec.min_agreement, min_samples)
    for index, row in enumerate(shadow.matrix):
        yield _assess_class(spec, index, row)
    if shadow.tally:
        yield from assess_tally(spec, shadow.tally, metadata)


def _assess_class(spec: AnalysisSpec, index: int, row: tuple[int, ...]) -> Measurement:
    name, samples = f"disagreementOfClass{index}", sum(row)
    if samples < CLASS_SAMPLES_MIN:
        shown = f"class {index}: {samples} samples, not judged below {CLASS_SAMPLES_MIN}"
        return Measurement(name, Verdict.NOT_JUDGED, shown, samples=samples)
    agreed = row[index] if index < len(row) else 0
    return assess_rate(name, samples - agreed, samples, 1 - spec.min_agreement_per_class, CLASS_SAMPLES_MIN)
