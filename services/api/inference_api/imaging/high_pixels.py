"""Intensities that are not 8-bit yet, and what a file says about them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[Any]
Grey8 = NDArray[np.uint8]


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
class ModalityTable:
    """DICOM's Modality LUT (PS3.3 C.11.1.1.1): the intensity of sample `first + i` is `intensities[i]`, ends extend."""

    first: int
    intensities: Samples


@dataclass(frozen=True, slots=True)
class Unread:
    """The file states something that is not read; `reason` is for UnreadableImage, should a version need it."""

    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class HighPixels:
    """Intensities not yet 8-bit: `samples` [height, width], any real dtype; `inverted`: low is bright (MONOCHROME1).

    `rescale` is DICOM's slope and intercept (PS3.3 C.11.1.1.2): the intensity is sample * slope + intercept, float64.
    If it is Unread, its slope is positive: the order of the samples is that of the intensities.
    `padding`: samples from its first to its second value are outside of the picture (PS3.3 C.7.5.1.1.2).
    """

    samples: Samples
    voi: VoiWindow | VoiTable | Unread | None = None
    inverted: bool = False
    rescale: tuple[float, float] | ModalityTable | Unread | None = None
    padding: tuple[float, float] | None = None

    def rescaled(self, samples: Samples) -> Samples:
        """The intensities of some of the samples."""
        match self.rescale:
            case (slope, intercept):
                return samples.astype(np.float64) * slope + intercept
            case ModalityTable(first, intensities):
                return looked_up(samples, first, intensities)
        return samples

    def padded(self, samples: Samples) -> NDArray[np.bool_]:
        """Which of some of the samples are outside of the picture."""
        if self.padding is None:
            return np.zeros(samples.shape, np.bool_)
        low, high = self.padding
        return np.asarray((samples >= low) & (samples <= high))

    def shown(self, samples: Samples) -> Samples:
        """The intensities of those samples that belong to the picture; the shape is lost where some do not."""
        return self.rescaled(samples if self.padding is None else samples[~self.padded(samples)])


def looked_up(samples: Samples, first: int, table: Samples) -> Samples:
    """`table[sample - first]`, ends extended; NaN gets the first entry."""
    index = np.clip(np.nan_to_num(samples - np.float64(first)), 0, len(table) - 1)
    return np.asarray(table[index.astype(np.intp)])
