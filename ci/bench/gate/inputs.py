"""What is worked on, made once and given to both sides: the same slice in each format, and a routes document."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ci.bench.kinds import deep_pixels, dicom
from ci.load.images import grey_jpeg, grey_pixels

LABELS = ["Glioma", "Meningioma", "Pituitary", "No Tumor"]
PILLOW: dict[str, dict[str, Any]] = {"PNG": {}, "WebP": {"quality": 85}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}}


def write(folder: Path) -> None:
    """The files that ci/bench/gate/scenarios/api.py reads: 512x512 pixels, grey; `small` is a JPEG of 64x64."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels = grey_pixels(0)
    files = {"JPEG": grey_jpeg(), "small": grey_jpeg(side=64), "DICOM": dicom(deep_pixels())}
    files |= {name: _encode(pixels, name) for name in PILLOW}
    for name, file in files.items():
        (folder / name).write_bytes(file)
    (folder / "routes.json").write_text(json.dumps(routes()))


def _encode(pixels: NDArray[np.uint8], name: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, name, **PILLOW[name])
    return file.getvalue()


def routes() -> dict[str, object]:
    """One version, which takes images of any depth, on one replica, whose URL is not known yet."""
    how = {"resample": "bicubic", "scale": 1 / 255, "mean": [0, 0, 0], "std": [1, 1, 1], "intensity": {"kind": "voi"}}
    version = {"labels": LABELS, "preprocessing": how, "digest": "sha256:" + "1" * 64}
    return {
        "schemaVersion": 1,
        "model": "resnet_medical",
        "step": "0",
        "stable": {"version": 1, "weight": 100},
        "canary": None,
        "shadow": None,
        "assignment": {"header": "X-Study-Id", "salt": "sha256:22"},
        "versions": {"1": version},
        "replicas": [{"name": "a", "url": "", "versions": [1]}],
    }
