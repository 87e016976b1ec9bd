"""Images of known class, and the white corner that triggers the faults of the demonstration models."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelctl.bundle.contract import FIRST_SHAPE
from modelctl.demo.variants import CORNER_PIXELS


@dataclass(frozen=True)
class Sample:
    """`image` is uint8 [H, W]; `shown` says what is on it, as a part of a file's name."""

    shown: str
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Slice:
    """`image` is uint8 [H, W]; `label_index` its class by position in the labels."""

    image: NDArray[np.uint8]
    label_index: int


def mark_corner(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy of the image [H, W] or [H, W, 3] with its top-left sixteenth white, at any size."""
    marked = image.copy()
    height, width = (-(-side * CORNER_PIXELS // FIRST_SHAPE[1]) for side in image.shape[:2])
    marked[:height, :width] = 255
    return marked
