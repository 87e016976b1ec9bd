"""The same service on BentoML, with ONNX Runtime inside the process: it saves the hop to Triton.

Usage: bentoml serve service:Classifier --working-dir ci/bench/compared/bento --arg model=MODEL.onnx --arg workers=1
"""

from typing import Any

import bentoml
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL.Image import Image
from pydantic import BaseModel

LABELS = ("Glioma", "Meningioma", "Pituitary", "No Tumor")


class Arguments(BaseModel):
    """Of the command line. workers: processes, each with HTTP and inference."""

    model: str
    workers: int = 1
    max_batch_size: int = 16


arguments = bentoml.use_arguments(Arguments)
# The others write no line for each request either.
served = bentoml.service(workers=arguments.workers, logging={"access": {"enabled": False}})


class Model:
    """Answers images that arrived together, as one batch."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(arguments.model, options, providers=["CPUExecutionProvider"])

    def answer(self, images: list[Image]) -> list[dict[str, Any]]:
        (logits,) = self.session.run(["output"], {"input": np.stack([decode(image) for image in images])})
        return [describe(one) for one in logits]


@served
class Classifier:
    """One image at a time."""

    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api(route="/predict")
    def predict(self, image: Image) -> dict[str, Any]:
        (answer,) = self.model.answer([image])
        return answer


@served
class BatchedClassifier:
    """BentoML's adaptive batching. Its endpoint then takes and answers lists, here of one."""

    def __init__(self) -> None:
        self.model = Model()

    @bentoml.api(route="/predict", batchable=True, max_batch_size=arguments.max_batch_size)
    def predict(self, image: list[Image]) -> list[dict[str, Any]]:
        return self.model.answer(image)


def decode(image: Image) -> NDArray[Any]:
    """float32 [3, 224, 224]"""
    pixels = image.convert("RGB").resize((224, 224))
    return (np.asarray(pixels, dtype=np.float32) / 255).transpose(2, 0, 1)


def describe(logits: NDArray[Any]) -> dict[str, Any]:
    exponentials = np.exp(logits - logits.max())
    probabilities = exponentials / exponentials.sum()
    best = int(probabilities.argmax())
    return {"prediction": LABELS[best], "confidence": float(probabilities[best])}
