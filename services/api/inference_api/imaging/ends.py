"""Which intensities of one image are black and white: its lowest and highest, or percentiles. Padding is left out."""

import numpy as np
from numpy.typing import NDArray

from inference_api.imaging.bands import bands
from inference_api.imaging.high_pixels import HighPixels, Samples

Ends = tuple[float, float]


def lowest_and_highest(pixels: HighPixels) -> Ends:
    """Of the finite intensities; (0, 0) when there is none."""
    finite = (_finite(pixels.shown(pixels.samples[band])) for band in bands(pixels.samples))
    ends = [(float(samples.min()), float(samples.max())) for samples in finite if samples.size]
    return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else (0.0, 0.0)


def percentiles(pixels: HighPixels, low: float, high: float) -> Ends:
    """Two percentiles of the finite intensities; (0, 0) when there is none."""
    if pixels.samples.dtype.kind in "iu" and pixels.samples.dtype.itemsize <= 2:
        return _counted_percentiles(pixels, low, high)
    finite = _finite(pixels.shown(pixels.samples))
    if not finite.size:
        return 0.0, 0.0
    black, white = np.percentile(finite, (low, high))
    return float(black), float(white)


def _counted_percentiles(pixels: HighPixels, low: float, high: float) -> Ends:
    """As numpy.percentile with its default method, from how often each of at most 65,536 values occurs."""
    lowest = int(np.iinfo(pixels.samples.dtype).min)
    counts = np.zeros(1 << 8 * pixels.samples.dtype.itemsize, np.int64)
    for band in bands(pixels.samples):
        counts += np.bincount(pixels.samples[band].ravel().astype(np.intp) - lowest, minlength=counts.size)
    samples = np.flatnonzero(counts) + np.int64(lowest)
    samples = samples[~pixels.padded(samples)]
    values = pixels.rescaled(samples).astype(np.float64)
    finite, counts = np.isfinite(values), counts[samples - lowest]
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
