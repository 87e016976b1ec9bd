"""What the generated pictures show: a slope with an edge and some noise, so that no pixels can be swapped unseen."""

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]


def dice(name: str) -> np.random.Generator:
    """The same for the same name."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def shares(name: str, *shape: int) -> NDArray[np.float64]:
    """Between 0 and 1, both included: [rows, columns] or [rows, columns, channels]."""
    rows, columns, *channels = shape
    y, x = np.mgrid[0:rows, 0:columns]
    slope = (x / columns + 2 * y / rows) / 3
    found = slope if not channels else np.stack([np.roll(slope, 5 * k, axis=k % 2) for k in range(channels[0])], -1)
    found = found + dice(name).normal(0, 0.05, found.shape)
    found[rows // 3 : rows // 2, columns // 3 : columns // 2] *= 0.3
    found = (found - found.min()) / (found.max() - found.min())
    return np.asarray(found, np.float64)


def integers(name: str, low: int, high: int, *shape: int) -> NDArray[np.int64]:
    """The same picture between two integers, both included."""
    return np.rint(low + shares(name, *shape) * (high - low)).astype(np.int64)
