"""How 16-bit, float and DICOM intensities become 8 bits, as the version's bundle says. Pure arithmetic on arrays.

NaN becomes the darkest grey, infinities the ends of the range.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference_api.imaging.bands import bands, map_bands
from inference_api.imaging.ends import lowest_and_highest, percentiles
from inference_api.imaging.high_pixels import (
    Grey8,
    HighPixels,
    Samples,
    Unread,
    VoiFunction,
    VoiTable,
    VoiWindow,
    looked_up,
)
from inference_api.imaging.unreadable import UnreadableImage


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


def to_grey8(pixels: HighPixels, intensity: Intensity) -> Grey8:
    """Greys [height, width], uint8, as `intensity` says; padding is black, whatever the rest looks like.

    Raises UnreadableImage where `intensity` needs something of the file that is Unread.
    """
    with np.errstate(all="ignore"):
        grey = _apply(pixels, intensity)
    if pixels.inverted:
        np.subtract(255, grey, out=grey)
    if pixels.padding is not None:
        for band in bands(pixels.samples):
            grey[band][pixels.padded(pixels.samples[band])] = 0
    return grey


def _apply(pixels: HighPixels, intensity: Intensity) -> Grey8:
    """One band of rows at a time: the float64 of a whole radiograph takes 8 bytes for each pixel, several times."""
    to_grey = _mapping(pixels, intensity)
    return map_bands(lambda samples: to_grey(pixels.rescaled(samples)), pixels.samples)


def _mapping(pixels: HighPixels, intensity: Intensity) -> Callable[[Samples], Grey8]:
    match intensity:
        case Window(center, width):
            _need(pixels.rescale)
            return _between(center - width / 2, center + width / 2)
        case Percentile(low, high):
            return _between(*percentiles(pixels, low, high))
    if pixels.voi is None:
        return _between(*lowest_and_highest(pixels))
    _need(pixels.voi)
    _need(pixels.rescale)
    match pixels.voi:
        case VoiTable(first, grey):
            return lambda samples: looked_up(samples, first, grey)
        case VoiWindow() as window:
            return lambda samples: _voi_window(samples, window)
    raise AssertionError(pixels.voi)


def _need(stated: object) -> None:
    if isinstance(stated, Unread):
        raise UnreadableImage(stated.reason)


def _between(black: float, white: float) -> Callable[[Samples], Grey8]:
    return lambda samples: _stretch(samples, black, white)


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


def _to_bytes(grey: NDArray[np.float64]) -> Grey8:
    """Rounds half to even; NaN is 0."""
    np.nan_to_num(grey, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    return np.rint(np.clip(grey, 0.0, 255.0, out=grey), out=grey).astype(np.uint8)
