"""The grids of JPEG and WebP files, written by Pillow."""

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.harness.oracle import patterns
from tests.harness.oracle.case import Case, Choice, Twin, named, walk

_SIZES = ("24x20", "1x1", "3x5", "17x9", "33x16", "64x48")
JPEG_AXES = {
    "colour": ("L", "YCbCr", "YCbCr", "RGB", "CMYK"),
    "sampling": ("4:4:4", "4:2:2", "4:2:0"),
    "quality": ("5", "50", "75", "90", "100"),
    "scans": ("", "progressive"),
    "tables": ("", "optimized"),
    "restart": ("", "", "restart"),
    "size": _SIZES,
}
WEBP_AXES = {
    "colour": ("RGB", "RGB", "RGBA", "L"),
    "coding": ("lossy", "lossless"),
    "quality": ("5", "50", "90", "100"),
    "frames": ("", "", "", "frames-2"),
    "size": _SIZES,
}

Samples = NDArray[Any]


def jpegs(count: int, seed: int = 6) -> Iterator[Case]:
    for choice in walk(JPEG_AXES, count, seed, _possible):
        yield jpeg_of(choice)


def _possible(choice: dict[str, str]) -> Choice:
    """Only YCbCr has fewer samples of colour than of grey."""
    return choice if choice["colour"] == "YCbCr" else {**choice, "sampling": "4:4:4"}


def webps(count: int, seed: int = 7) -> Iterator[Case]:
    for choice in walk(WEBP_AXES, count, seed):
        yield webp_of(choice)


def jpeg_of(choice: Choice) -> Case:
    data = _jpeg(choice)
    return Case(named("jpeg", choice), data, (Twin(data),))


def webp_of(choice: Choice) -> Case:
    data = _webp(choice)
    return Case(named("webp", choice), data, (Twin(data),))


def _image(choice: Choice, mode: str) -> Image.Image:
    columns, rows = (int(side) for side in choice["size"].split("x"))
    channels = len(Image.new(mode, (1, 1)).getbands())
    shape = (max(rows, 2), max(columns, 2), channels)
    samples = patterns.integers(str(choice), 0, 255, *shape)[:rows, :columns].astype(np.uint8)
    return Image.frombytes(mode, (columns, rows), np.ascontiguousarray(samples).tobytes())


def _jpeg(choice: Choice) -> bytes:
    file = io.BytesIO()
    mode = "RGB" if choice["colour"] == "YCbCr" else choice["colour"]
    options: dict[str, Any] = {"quality": int(choice["quality"]), "optimize": bool(choice["tables"])}
    options |= {"progressive": bool(choice["scans"]), "keep_rgb": choice["colour"] == "RGB"}
    options |= {"restart_marker_blocks": 2} if choice["restart"] else {}
    options |= {"subsampling": choice["sampling"]} if mode == "RGB" else {}
    _image(choice, mode).save(file, "JPEG", **options)
    return file.getvalue()


def _webp(choice: Choice) -> bytes:
    file = io.BytesIO()
    image = _image(choice, choice["colour"])
    options: dict[str, Any] = {"lossless": choice["coding"] == "lossless", "quality": int(choice["quality"])}
    if choice["frames"]:
        options |= {"save_all": True, "append_images": [Image.new(image.mode, image.size)], "duration": 100}
    image.save(file, "WEBP", **options)
    return file.getvalue()
