"""What a version must answer, worked out from its bundle with ONNX Runtime alone: nothing of ours takes part."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

from ci.stack.documents import read_manifest, read_members

FIRST = {"input": {"name": "input", "shape": [3, 224, 224]}, "output": {"name": "output"}}  # schemaVersion 1


def expected_answers(bundle: Path, images: Sequence[bytes]) -> list[str]:
    """For each image (JPEG or PNG, 8 bits) the most probable class, or the findings over their thresholds: "A, B"."""
    manifest = read_manifest(bundle)
    model = read_members(bundle)["model.onnx"]
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    how, taken, given = manifest["preprocessing"], *(manifest.get(part, FIRST[part]) for part in FIRST)
    channels, height, width = taken["shape"]
    names = given.get("labels") or manifest["labels"]
    resample = Image.Resampling[how["resample"].upper()]
    mean, std = (np.float32(how[name]).reshape(channels, 1, 1) for name in ("mean", "std"))
    answers = []
    for image in images:
        picture = (
            Image.open(io.BytesIO(image)).convert("L" if channels == 1 else "RGB").resize((width, height), resample)
        )
        pixels = np.atleast_3d(np.asarray(picture, np.float32)).transpose(2, 0, 1)
        tensor = ((pixels * np.float32(how["scale"]) - mean) / std).astype(np.float32)
        (numbers,) = session.run([given["name"]], {taken["name"]: tensor[np.newaxis]})
        answers.append(named(numbers[0], names, given.get("thresholds")))
    return answers


def named(numbers: NDArray[np.float32], labels: Sequence[str], thresholds: Sequence[float] | None) -> str:
    """Of logits [L]; with `thresholds`, probabilities [L], each label is a finding of its own."""
    if not thresholds:
        return labels[int(numbers.argmax())]
    probabilities = 1 / (1 + np.exp(-numbers.astype(np.float64)))
    return ", ".join(label for label, p, over in zip(labels, probabilities, thresholds, strict=True) if p >= over)
