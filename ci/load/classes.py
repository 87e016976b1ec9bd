"""What a version must answer, worked out from its bundle with ONNX Runtime alone: nothing of ours takes part."""

import io
import tarfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from ci.stack.documents import read_manifest


def expected_classes(bundle: Path, images: Sequence[bytes]) -> list[str]:
    """One label for each image (JPEG or PNG, 8 bits)."""
    manifest = read_manifest(bundle)
    with tarfile.open(bundle) as tar:
        member = tar.extractfile("model.onnx")
        assert member is not None
        session = onnxruntime.InferenceSession(member.read(), providers=["CPUExecutionProvider"])
    how = manifest["preprocessing"]
    resample = Image.Resampling[how["resample"].upper()]
    mean, std = (np.float32(how[name]).reshape(3, 1, 1) for name in ("mean", "std"))
    labels = []
    for image in images:
        pixels = Image.open(io.BytesIO(image)).convert("RGB").resize((224, 224), resample)
        tensor = (np.asarray(pixels, np.float32).transpose(2, 0, 1) * np.float32(how["scale"]) - mean) / std
        (logits,) = session.run(["output"], {"input": tensor[np.newaxis].astype(np.float32)})
        labels.append(str(manifest["labels"][int(logits[0].argmax())]))
    return labels
