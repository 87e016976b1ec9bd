"""How 16-bit, float and DICOM intensities become 8 bits, as the version's bundle says. Pure arithmetic on arrays.

NaN becomes the darkest grey, infinities the ends of the range.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference_api.imaging.bands import bands, map_bands

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
    """Intensities not yet 8-bit: `samples` [height, width], any real dtype; `inverted`: low is bright (MONOCHROME1).

    `rescale` is DICOM's slope and intercept (PS3.3 C.11.1.1.2): the intensity is sample * slope + intercept, float64.
    """

    samples: Samples
    voi: VoiWindow | VoiTable | None = None
    inverted: bool = False
    rescale: tuple[float, float] | None = None

    def rescaled(self, samples: Samples) -> Samples:
        """The intensities of some of the samples."""
        if self.rescale is None:
            return samples
        slope, intercept = self.rescale
        return samples.astype(np.float64) * slope + intercept


def to_grey8(pixels: HighPixels, intensity: Intensity) -> Grey8:
    """Greys [height, width], uint8, as `intensity` says."""
    with np.errstate(all="ignore"):
        grey = _apply(pixels, intensity)
    return np.subtract(255, grey, out=grey) if pixels.inverted else grey


def _apply(pixels: HighPixels, intensity: Intensity) -> Grey8:
    """One band of rows at a time: the float64 of a whole radiograph takes 8 bytes for each pixel, several times."""
    to_grey = _mapping(pixels, intensity)
    return map_bands(lambda samples: to_grey(pixels.rescaled(samples)), pixels.samples)


def _mapping(pixels: HighPixels, intensity: Intensity) -> Callable[[Samples], Grey8]:
    match intensity:
        case Window(center, width):
            return lambda samples: _stretch(samples, center - width / 2, center + width / 2)
        case Percentile(low, high):
            return _between(*_percentiles(pixels, low, high))
    match pixels.voi:
        case VoiTable() as table:
            return lambda samples: _look_up(samples, table)
        case VoiWindow() as window:
            return lambda samples: _voi_window(samples, window)
    return _between(*_range(pixels))


def _between(black: float, white: float) -> Callable[[Samples], Grey8]:
    return lambda samples: _stretch(samples, black, white)


def _range(pixels: HighPixels) -> tuple[float, float]:
    """The lowest and the highest finite intensity; (0, 0) when there is none."""
    finite = (_finite(pixels.rescaled(pixels.samples[band])) for band in bands(pixels.samples))
    ends = [(float(samples.min()), float(samples.max())) for samples in finite if samples.size]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else (0.0, 0.0)


def _percentiles(pixels: HighPixels, low: float, high: float) -> tuple[float, float]:
    """Two percentiles of the finite intensities; (0, 0) when there is none."""
    if pixels.samples.dtype.kind in "iu" and pixels.samples.dtype.itemsize <= 2:
        return _counted_percentiles(pixels, low, high)
    finite = _finite(pixels.rescaled(pixels.samples))
    if not finite.size:
        return 0.0, 0.0
    black, white = np.percentile(finite, (low, high))
    return float(black), float(white)


def _counted_percentiles(pixels: HighPixels, low: float, high: float) -> tuple[float, float]:
    """As numpy.percentile with its default method, from how often each of at most 65,536 values occurs."""
    lowest = int(np.iinfo(pixels.samples.dtype).min)
    counts = np.zeros(1 << 8 * pixels.samples.dtype.itemsize, np.int64)
    for band in bands(pixels.samples):
        counts += np.bincount(pixels.samples[band].ravel().astype(np.intp) - lowest, minlength=counts.size)
    values = pixels.rescaled(np.flatnonzero(counts) + np.int64(lowest)).astype(np.float64)
    finite, counts = np.isfinite(values), counts[counts > 0]
    if not finite.any():
        return 0.0, 0.0
    order = np.argsort(values[finite])
    ends = np.cumsum(counts[finite][order])
    return _interpolated(values[finite][order], ends, low), _interpolated(values[finite][order], ends, high)


def _interpolated(values: NDArray[np.float64], ends: NDArray[np.int64], percent: float) -> float:
    """`values` ascend; `ends[i]` is how many samples are `values[i]` or lower."""
    place = (ends[-1] - 1) * (percent / 100)
    below = np.floor(place)
    one, other = (values[np.searchsorted(ends, min(at, ends[-1] - 1), side="right")] for at in (below, below + 1))
    share = place - below
    return float(other - (other - one) * (1 - share) if share >= 0.5 else one + (other - one) * share)


def _finite(samples: Samples) -> Samples:
    return samples if np.issubdtype(samples.dtype, np.integer) else samples[np.isfinite(samples)]


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
