"""The programs that show PNG, BMP, JPEG and WebP: netpbm's, djpeg, dwebp."""

import subprocess
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.harness.oracle.case import Twin
from tests.harness.oracle.netpbm_text import parse

Pictures = list[dict[str, NDArray[Any]]]


def by(name: str, *arguments: str) -> Callable[[Sequence[Twin], Path], Pictures]:
    """A program that takes the file's name last and writes PBM, PGM or PPM to its output."""

    def pictures(twins: Sequence[Twin], folder: Path) -> Pictures:
        paths = [folder / f"{number}.file" for number in range(len(twins))]
        for path, twin in zip(paths, twins, strict=True):
            path.write_bytes(twin.data)
        with ThreadPoolExecutor(2) as threads:
            outputs = list(threads.map(lambda path: _output(name, *arguments, str(path)), paths))
        return [{name: eight_bits(parse(output))} if output else {} for output in outputs]

    return pictures


def _output(*command: str) -> bytes:
    ended = subprocess.run(command, capture_output=True)
    return ended.stdout if ended.returncode == 0 else b""


def eight_bits(parsed: tuple[NDArray[Any], int]) -> NDArray[np.float64]:
    """Up to 8 bits over all greys; deeper ones from the lowest to the highest, as a version with `voi` sees them."""
    samples, maximum = parsed
    values = samples.astype(np.float64)
    if maximum <= 255:
        return values * (255 / maximum)
    low, high = values.min(), values.max()
    return (values - low) / (high - low) * 255 if high > low else np.zeros_like(values)


def webps(twins: Sequence[Twin], folder: Path) -> Pictures:
    """dwebp takes no animation: webpmux takes out the first frame."""
    return by("dwebp", "-quiet", "-ppm", "-o", "-", "--")([_first_frame(twin, folder) for twin in twins], folder)


def _first_frame(twin: Twin, folder: Path) -> Twin:
    if b"ANIM" not in twin.data[:64]:
        return twin
    whole, first = folder / "animated.webp", folder / "first.webp"
    whole.write_bytes(twin.data)
    ended = subprocess.run(["webpmux", "-get", "frame", "1", whole, "-o", first], capture_output=True)
    return Twin(first.read_bytes()) if ended.returncode == 0 else twin


pngs = by("pngtopam")
bmps = by("bmptopnm")
jpegs = by("djpeg", "-pnm")
