"""From logits to the diagnosis that a client reads."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from inference_api.routing.document import Version


@dataclass(frozen=True, slots=True)
class Answer:
    """One version's answer for one image. `probabilities` are in the order of the version's labels and sum to 1."""

    version: Version
    probabilities: tuple[float, ...]
    class_index: int

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.version.labels[self.class_index]


def answer(version: Version, logits: Sequence[float]) -> Answer | None:
    """Softmax of the logits; None when they are not finite."""
    if not all(map(math.isfinite, logits)):
        return None
    highest = max(logits)
    exponentials = [math.exp(logit - highest) for logit in logits]
    total = sum(exponentials)
    return Answer(version, tuple([value / total for value in exponentials]), logits.index(highest))


def document(answer: Answer, latency_seconds: float) -> dict[str, object]:
    """The JSON object of one image."""
    return {
        "prediction": answer.label,
        "confidence": answer.probabilities[answer.class_index],
        "latency_ms": round(latency_seconds * 1000, 2),
        "probabilities": dict(zip(answer.version.labels, answer.probabilities, strict=True)),
        "model_version": answer.version.number,
    }


def body(answers: Sequence[Answer], latency_seconds: float, *, batch: bool) -> bytes:
    """The body of a 200: one object, or for a batch a list of them in the order of the images."""
    documents = [document(item, latency_seconds) for item in answers]
    return json.dumps(documents if batch else documents[0]).encode()
