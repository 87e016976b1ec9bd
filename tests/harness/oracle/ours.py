"""What the API makes of a file, at the file's own size: a picture, or the words of a refusal."""

from dataclasses import dataclass

import numpy as np
from inference_api.imaging import images
from inference_api.imaging.high_pixels import HighPixels
from inference_api.imaging.intensity import Voi, to_grey8
from inference_api.imaging.unreadable import UnreadableImage
from inference_api.problems import Problem
from numpy.typing import NDArray

MAX_PIXELS = 50_000_000

_NO_REASONS = (
    "damaged or of an unusual kind",
    "is none of them",
    "more than 4,096",
    "larger than the file",
    "too many",
)

Picture8 = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Refusal:
    words: str

    @property
    def is_no_reason(self) -> bool:
        """Whether it says only that something is wrong, or what is not so: each file here is small and of a format."""
        return any(words in self.words for words in _NO_REASONS)


def shown(data: bytes) -> Picture8 | Refusal:
    """uint8 [rows, columns] or [rows, columns, 3], to a version that takes the window of the file."""
    try:
        content = images.decode(data, MAX_PIXELS).content
        return to_grey8(content, Voi()) if isinstance(content, HighPixels) else np.asarray(content)
    except (Problem, UnreadableImage) as refused:
        return Refusal(str(refused))
