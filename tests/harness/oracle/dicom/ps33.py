"""From stored words to the greys that a person is shown, by DICOM PS3.3 alone: plain arithmetic on a whole picture.

Tables are left to DCMTK: `grey8` is None for them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.harness.oracle.dicom.writer import Elements

Stored = NDArray[Any]

_MODALITY_LUTS, _VOI_LUTS = 0x00283000, 0x00283010


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a data set says about its samples. `window`: center, width, function."""

    signed: bool
    stored_bits: int
    high_bit: int
    slope: float
    intercept: float
    inverted: bool
    pads: tuple[int, int] | None
    window: tuple[float, float, str] | None
    has_table: bool
    has_voi_table: bool


def meaning(elements: Elements) -> Meaning:
    """Of elements written as the standard has them: a number that is not there is absent or empty."""
    slope, intercept = _number(elements, 0x00281053), _number(elements, 0x00281052)
    center, width = _number(elements, 0x00281050), _number(elements, 0x00281051)
    function = str(elements.get(0x00281056, ("CS", "LINEAR"))[1])
    pad = elements.get(0x00280120)
    limit = elements.get(0x00280121, pad)
    has_rescale = slope is not None and intercept is not None
    return Meaning(
        signed=elements[0x00280103][1] == 1,
        stored_bits=int(str(elements[0x00280101][1])),
        high_bit=int(str(elements[0x00280102][1])),
        slope=slope if has_rescale and slope is not None else 1.0,
        intercept=intercept if has_rescale and intercept is not None else 0.0,
        inverted=elements[0x00280004][1] == "MONOCHROME1",
        pads=None if pad is None or limit is None else (int(str(pad[1])), int(str(limit[1]))),
        window=None if center is None or width is None or width <= 0 else (center, width, function),
        has_table=_MODALITY_LUTS in elements or _VOI_LUTS in elements,
        has_voi_table=_VOI_LUTS in elements,
    )


def grey8(words: Stored, said: Meaning) -> NDArray[np.float64] | None:
    """Greys 0 to 255, not rounded, of stored words [rows, columns] of any unsigned type."""
    if said.has_table:
        return None
    samples = values(words, said)
    intensities = samples * said.slope + said.intercept
    grey = (
        _between(intensities, *_range(intensities, samples, said))
        if said.window is None
        else _windowed(intensities, *said.window)
    )
    grey = 255 - grey if said.inverted else grey
    return np.where(padding(samples, said), 0, grey)


def rgb(ybr: Stored) -> NDArray[np.float64]:
    """C.7.6.3.1.2, YBR_FULL: not rounded, of 8-bit samples [rows, columns, 3]."""
    y, blue, red = (ybr[..., channel].astype(np.float64) - (0, 128, 128)[channel] for channel in range(3))
    found = np.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], axis=-1)
    return np.asarray(np.clip(found, 0, 255))


def values(words: Stored, said: Meaning) -> NDArray[np.float64]:
    """PS3.5 section 8.1: the bits from the high bit downwards, in two's complement when signed."""
    bits = words.astype(np.int64) >> (said.high_bit + 1 - said.stored_bits) & (1 << said.stored_bits) - 1
    if said.signed:
        bits -= (bits >> said.stored_bits - 1) << said.stored_bits
    return bits.astype(np.float64)


def padding(samples: Stored, said: Meaning) -> NDArray[np.bool_]:
    """Where samples show nothing (C.7.5.1.1.2). A viewer may give them any grey; medinfer gives black."""
    if said.pads is None:
        return np.zeros(samples.shape, np.bool_)
    low, high = sorted(said.pads)
    return np.asarray((samples >= low) & (samples <= high))


def _range(intensities: Stored, samples: Stored, said: Meaning) -> tuple[float, float]:
    """The lowest and the highest intensity that is no padding (C.7.5.1.1.2)."""
    shows = ~padding(samples, said)
    intensities = intensities[shows] if shows.any() else intensities
    return float(intensities.min()), float(intensities.max())


def _between(intensities: Stored, black: float, white: float) -> NDArray[np.float64]:
    if not white > black:
        return np.where(intensities > white, 255.0, 0.0)
    return np.asarray(np.clip((intensities - black) / (white - black), 0, 1) * 255)


def _windowed(intensities: Stored, center: float, width: float, function: str) -> NDArray[np.float64]:
    """C.11.2.1.2.1, C.11.2.1.3.1, C.11.2.1.3.2."""
    if function == "SIGMOID":
        return np.asarray(255 / (1 + np.exp(-4 * (intensities - center) / width)))
    if function == "LINEAR_EXACT":
        return _between(intensities, center - width / 2, center + width / 2)
    left, right = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    return _between(intensities, left, right)


def _number(elements: Elements, tag: int) -> float | None:
    text = str(elements.get(tag, ("DS", ""))[1]).split("\\")[0].strip()
    return float(text) if text else None
