"""Goes through a large image in bands of rows, so that intermediate results stay small. Pure."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

BAND_PIXELS = 131_072

Array = NDArray[Any]


def bands(image: Array) -> Iterator[slice]:
    """Slices of rows, together all rows of `image` [height, width, ...], each of about BAND_PIXELS pixels."""
    height, width = image.shape[:2]
    rows = max(1, BAND_PIXELS // max(1, width))
    return (slice(top, min(top + rows, height)) for top in range(0, height, rows))


def map_bands(function: Callable[[Array], Array], image: Array) -> Array:
    """`function(image)` for a function that treats each pixel alone; it sees one band at a time."""
    result: Array | None = None
    for band in bands(image):
        part = function(image[band])
        if result is None:
            result = np.empty((image.shape[0], *part.shape[1:]), part.dtype)
        result[band] = part
    return function(image) if result is None else result
