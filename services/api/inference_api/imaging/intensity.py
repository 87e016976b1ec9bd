"""How 16-bit, float and DICOM intensities become 8 bits, as the version's bundle says. Pure arithmetic on arrays.

NaN becomes the darkest grey, infinities the ends of the range.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]
Grey8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Window:
    """A fixed linear window, the same for every image: center - width/2 is black, center + width/2 is white."""

    center: float
    width: float


@dataclass(frozen=True, slots=True)
class Percentile:
    """Black and white are percentiles, in percent, of this image's finite intensities."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Voi:
    """The DICOM file's own VOI window or table; a file without one uses its finite minimum and maximum."""


Intensity = Window | Percentile | Voi


class VoiFunction(StrEnum):
    """DICOM's VOI LUT Function, PS3.3 C.11.2.1.2 and C.11.2.1.3."""

    LINEAR = "LINEAR"
    LINEAR_EXACT = "LINEAR_EXACT"
    SIGMOID = "SIGMOID"


@dataclass(frozen=True, slots=True)
class VoiWindow:
    """The window that a DICOM file states for itself."""

    center: float
    width: float
    function: VoiFunction = VoiFunction.LINEAR


@dataclass(frozen=True, slots=True, eq=False)
class VoiTable:
    """The VOI LUT that a DICOM file states for itself.

    The grey of intensity `first + i` is `grey[i]`; lower and higher intensities get the first and the last grey.
    """

    first: int
    grey: Grey8


@dataclass(frozen=True, slots=True, eq=False)
class HighPixels:
    """Intensities not yet 8-bit: `samples` [height, width], any real dtype; `inverted`: low is bright (MONOCHROME1)."""

    samples: Samples
    voi: VoiWindow | VoiTable | None = None
    inverted: bool = False


def to_grey8(pixels: HighPixels, intensity: Intensity) -> Grey8:
    """Greys [height, width], uint8, as `intensity` says."""
    with np.errstate(all="ignore"):
        grey = _apply(pixels, intensity)
    return np.subtract(255, grey, out=grey) if pixels.inverted else grey


def _apply(pixels: HighPixels, intensity: Intensity) -> Grey8:
    match intensity:
        case Window(center, width):
            return _stretch(pixels.samples, center - width / 2, center + width / 2)
        case Percentile(low, high):
            return _stretch(pixels.samples, *_percentiles(pixels.samples, low, high))
    match pixels.voi:
        case VoiTable() as table:
            return _look_up(pixels.samples, table)
        case VoiWindow() as window:
            return _voi_window(pixels.samples, window)
    return _stretch(pixels.samples, *_percentiles(pixels.samples, 0, 100))


def _percentiles(samples: Samples, low: float, high: float) -> tuple[float, float]:
    """Two percentiles of the finite intensities; (0, 0) when there is none."""
    finite = samples if np.issubdtype(samples.dtype, np.integer) else samples[np.isfinite(samples)]
    if not finite.size:
        return 0.0, 0.0
    black, white = np.percentile(finite, (low, high))
    return float(black), float(white)


def _stretch(samples: Samples, black: float, white: float) -> Grey8:
    """Linear from black (0) to white (255), both ends extended; an empty range splits at its value."""
    if not white > black:
        return _to_bytes(np.where(samples > white, 255.0, 0.0))
    return _to_bytes((samples - np.float64(black)) / (white - black) * 255.0)


def _voi_window(samples: Samples, window: VoiWindow) -> Grey8:
    """PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.2 (LINEAR_EXACT) and C.11.2.1.3.1 (SIGMOID), scaled to 0..255."""
    center, width = window.center, window.width
    if window.function is VoiFunction.SIGMOID:
        return _to_bytes(255.0 / (1.0 + np.exp(-4.0 * (samples - np.float64(center)) / width)))
    if window.function is VoiFunction.LINEAR:
        center, width = center - 0.5, width - 1.0
    return _stretch(samples, center - width / 2, center + width / 2)


def _look_up(samples: Samples, table: VoiTable) -> Grey8:
    index = np.clip(np.nan_to_num(samples - np.float64(table.first)), 0, len(table.grey) - 1)
    return table.grey[index.astype(np.intp)]


def _to_bytes(grey: NDArray[np.float64]) -> Grey8:
    """Rounds half to even; NaN is 0."""
    np.nan_to_num(grey, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    return np.rint(np.clip(grey, 0.0, 255.0, out=grey), out=grey).astype(np.uint8)
