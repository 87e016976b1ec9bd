"""From the numbers of a version to the diagnosis that a client reads."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pydantic_core import to_json

from inference_api.routing.document import Version

# Of a graph that gives probabilities itself, in half precision at worst.
_TOLERANCE = 1e-2


@dataclass(frozen=True, slots=True)
class Answer:
    """One version's answer for one image. `probabilities` are in the order of the version's labels.

    They sum to 1, unless the version names several findings at once.
    """

    version: Version
    probabilities: tuple[float, ...]
    class_index: int

    @property
    def label(self) -> str:
        """The most probable class or finding."""
        return self.version.labels[self.class_index]

    @property
    def named(self) -> tuple[str, ...]:
        """The class; of a version that names several findings, those whose probability reaches their threshold."""
        thresholds = self.version.contract.thresholds
        if not thresholds:
            return (self.label,)
        found = zip(self.version.labels, self.probabilities, thresholds, strict=True)
        return tuple([label for label, probability, threshold in found if probability >= threshold])


def answer(version: Version, values: Sequence[float]) -> Answer | None:
    """Probabilities from the output of a version; None when its numbers are not finite, or no probabilities."""
    if not all(map(math.isfinite, values)):
        return None
    contract = version.contract
    probabilities = _ACTIVATIONS[contract.activation](values)
    if not probabilities:
        return None
    is_class = contract.activation == "none" and not contract.thresholds
    if is_class and abs(sum(probabilities) - 1) > _TOLERANCE:
        return None
    return Answer(version, probabilities, values.index(max(values)))


def _softmax(logits: Sequence[float]) -> tuple[float, ...]:
    highest = max(logits)
    exponentials = [math.exp(logit - highest) for logit in logits]
    total = sum(exponentials)
    return tuple([value / total for value in exponentials])


def _sigmoid(logits: Sequence[float]) -> tuple[float, ...]:
    """The exponential is never taken of a positive number, which could overflow."""
    powers = [math.exp(-abs(logit)) for logit in logits]
    found = zip(logits, powers, strict=True)
    return tuple([(1 if logit >= 0 else power) / (1 + power) for logit, power in found])


def _as_given(values: Sequence[float]) -> tuple[float, ...]:
    """Empty: they are no probabilities. What rounding put beyond 0 or 1 is put back."""
    if not all(-_TOLERANCE <= value <= 1 + _TOLERANCE for value in values):
        return ()
    return tuple([min(1.0, max(0.0, value)) for value in values])


_ACTIVATIONS: Mapping[str, Callable[[Sequence[float]], tuple[float, ...]]] = {
    "softmax": _softmax,
    "sigmoid": _sigmoid,
    "none": _as_given,
}


def document(answer: Answer, latency_seconds: float) -> dict[str, object]:
    """The JSON object of one image."""
    fields = {
        "prediction": answer.label,
        "confidence": answer.probabilities[answer.class_index],
        "latency_ms": round(latency_seconds * 1000, 2),
        "probabilities": dict(zip(answer.version.labels, answer.probabilities, strict=True)),
        "model_version": answer.version.number,
    }
    return fields | {"findings": list(answer.named)} if answer.version.contract.thresholds else fields


def body(answers: Sequence[Answer], latency_seconds: float, *, batch: bool) -> bytes:
    """The body of a 200: one object, or for a batch a list of them in the order of the images."""
    documents = [document(item, latency_seconds) for item in answers]
    return to_json(documents if batch else documents[0])
