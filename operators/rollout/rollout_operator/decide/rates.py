"""A rate of bad events against its limit, by its Wilson bound."""

from math import sqrt

from rollout_operator.documents.assessment import Measurement, Verdict

Z95 = 1.959963984540054  # two-sided 95 %
CLASS_SAMPLES_MIN = 20


def wilson(events: int, samples: int) -> tuple[float, float]:
    """The 95 % confidence interval of a rate (Wilson 1927, without continuity correction).

    >>> [round(bound, 3) for bound in wilson(10, 100)]
    [0.055, 0.174]
    """
    if samples == 0:
        return 0.0, 1.0
    rate, z2 = events / samples, Z95 * Z95
    middle = rate + z2 / (2 * samples)
    spread = Z95 * sqrt(rate * (1 - rate) / samples + z2 / (4 * samples * samples))
    scale = 1 + z2 / samples
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def assess_rate(name: str, events: int, samples: int, limit: float, min_samples: int) -> Measurement:
    """A rate of bad events, which may be at most `limit`."""
    rate = events / samples if samples else 0.0
    lower, _ = wilson(events, samples)
    shown = f"{name} {rate:.2%} ({events} of {samples}), at most {limit:.2%} allowed"
    if lower > limit:
        verdict = Verdict.FAILED
    elif samples < min_samples:
        verdict, shown = Verdict.INCONCLUSIVE, f"{name} needs {min_samples} samples, has {samples}"
    elif rate > limit:
        verdict, shown = Verdict.INCONCLUSIVE, f"{shown}; more samples must decide"
    else:
        verdict = Verdict.PASSED
    return Measurement(name, verdict, shown, rate, limit, samples)
