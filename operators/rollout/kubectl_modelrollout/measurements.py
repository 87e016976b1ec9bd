"""Measurements and their limits, in words for people."""

import re

from rollout_operator.documents.assessment import Measurement, Verdict

from kubectl_modelrollout.table import percent

HEADING = ("MEASURED", "VALUE", "LIMIT", "SAMPLES", "VERDICT")
NAMES = {
    "errorRate": "error rate",
    "latencyRatio": "p95 latency, canary / stable",
    "stableSlowdown": "p95 latency of stable, now / before",
    "stableSamples": "requests of stable",
    "shadowErrorRate": "copies that the canary did not answer",
    "disagreement": "disagreement",
    "disagreementOfOthers": "disagreement on all others",
    "apiPods": "API pods that answer",
}
OF_CLASS = "disagreementOfClass"
NAME = re.compile(rf"\b({'|'.join(NAMES)}|{OF_CLASS}\d+)\b")
RATIOS = frozenset({"latencyRatio", "stableSlowdown"})
VERDICTS = {
    Verdict.PASSED: "passed",
    Verdict.FAILED: "failed",
    Verdict.INCONCLUSIVE: "more samples must decide",
    Verdict.ERROR: "could not be asked",
    Verdict.NOT_JUDGED: "not judged: too few",
}


def cells(one: Measurement, labels: tuple[str, ...]) -> tuple[str, str, str, str, str]:
    """As in HEADING; `labels` name the classes."""
    limit = "-" if one.limit is None else f"at most {_number(one, one.limit)}"
    value = "-" if one.value is None else _number(one, one.value)
    return _name(one.name, labels), value, limit, f"{one.samples:,}", VERDICTS[one.verdict]


def in_words(message: str, labels: tuple[str, ...]) -> str:
    """A message of the operator, with the names of measurements and classes for people.

    >>> in_words("disagreementOfClass1 9.00% (9 of 100)", ("Glioma", "Meningioma"))
    'disagreement on Meningioma 9.00% (9 of 100)'
    """
    return NAME.sub(lambda found: _name(found[0], labels), message)


def _name(name: str, labels: tuple[str, ...]) -> str:
    if not name.startswith(OF_CLASS):
        return NAMES.get(name, name)
    index = int(name.removeprefix(OF_CLASS))
    return f"disagreement on {labels[index] if index < len(labels) else f'class {index}'}"


def _number(one: Measurement, value: float) -> str:
    return f"{value:.2f}" if one.name in RATIOS else percent(value, 2)
