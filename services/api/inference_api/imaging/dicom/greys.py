"""What a DICOM file says of its grey samples: rescale, window, table and padding."""

from typing import TYPE_CHECKING

import numpy as np

from inference_api.imaging.dicom import frames
from inference_api.imaging.dicom.frames import Frame
from inference_api.imaging.dicom.layout import Layout
from inference_api.imaging.dicom.numbers import called, first, lacks, number, texts, unread
from inference_api.imaging.dicom.tables import modality_table, voi_table
from inference_api.imaging.high_pixels import HighPixels, ModalityTable, Unread, VoiFunction, VoiTable, VoiWindow
from inference_api.imaging.unreadable import UnreadableImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_PADDING_KEYWORDS = {
    "i": ("PixelPaddingValue", "PixelPaddingRangeLimit"),
    "u": ("PixelPaddingValue", "PixelPaddingRangeLimit"),
    "f4": ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    "f8": ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
}


def grey(frame: Frame, header: "Dataset", layout: Layout, syntax: str) -> HighPixels:
    """`frame`: samples with all allocated bits. Raises UnreadableImage for what no version can do without."""
    samples = frames.stored(frame, layout, syntax)
    return HighPixels(
        samples,
        _voi(header, layout),
        layout.photometric == "MONOCHROME1",
        _rescale(header, layout),
        _padding(frame, header, layout),
    )


def _rescale(header: "Dataset", layout: Layout) -> tuple[float, float] | ModalityTable | Unread | None:
    if header.get("ModalityLUTSequence"):
        return modality_table(header.ModalityLUTSequence[0], layout.is_signed)
    slope = first(header, "RescaleSlope")
    if slope == 0:
        raise UnreadableImage(f"{called('RescaleSlope')} of this DICOM file makes all pixels the same")
    try:
        return _linear(slope, first(header, "RescaleIntercept"))
    except UnreadableImage as error:
        if slope is not None and slope < 0:
            raise
        return Unread(str(error))


def _linear(slope: float | None, intercept: float | None) -> tuple[float, float] | None:
    """PS3.3 C.11.1.1.2 has both or none. One alone is no matter where it changes nothing."""
    if slope is not None and intercept is not None:
        return slope, intercept
    if slope not in (None, 1):
        raise lacks("RescaleIntercept")
    if intercept not in (None, 0):
        raise lacks("RescaleSlope")
    return None


def _voi(header: "Dataset", layout: Layout) -> VoiWindow | VoiTable | Unread | None:
    try:
        if header.get("VOILUTSequence"):
            return voi_table(header.VOILUTSequence[0], layout.is_signed)
        return _window(header)
    except UnreadableImage as error:
        return Unread(str(error))


def _window(header: "Dataset") -> VoiWindow | None:
    """The first that has both numbers. A width that is not positive is no window."""
    centers, widths = texts(header, "WindowCenter"), texts(header, "WindowWidth")
    for center_text, width_text in zip(centers, widths, strict=False):
        if not center_text or not width_text:
            continue
        center, width = number(center_text), number(width_text)
        if center is None or width is None:
            raise unread("WindowCenter" if center is None else "WindowWidth")
        return VoiWindow(center, width, _function(header)) if width > 0 else None
    return None


def _function(header: "Dataset") -> VoiFunction:
    values = texts(header, "VOILUTFunction")
    name = values[0].upper() if values else ""
    if name and name not in VoiFunction.__members__:
        raise unread("VOILUTFunction")
    return VoiFunction(name or "LINEAR")


def _padding(frame: Frame, header: "Dataset", layout: Layout) -> tuple[float, float] | None:
    """Pixel Padding Value and Range Limit are stored values, PS3.3 C.7.5.1.1.2."""
    dtype = frame.dtype
    keywords = _PADDING_KEYWORDS[dtype.kind if dtype.kind in "iu" else dtype.str[1:]]
    value, limit = (_pad(header, keyword, layout) for keyword in keywords)
    if value is None:
        return None
    low, high = sorted((value, value if limit is None else limit))
    if layout.stored_bits is not None:
        _refuse_outside_of_stored(frame, low, high, keywords[0], layout)
    return low, high


def _refuse_outside_of_stored(frame: Frame, low: float, high: float, keyword: str, layout: Layout) -> None:
    """Padding in bits that are not stored would become a grey of the picture."""
    bits = layout.stored_bits or 0
    least = -(1 << bits - 1) if layout.is_signed else 0
    if low >= least and high < least + (1 << bits):
        return
    if ((frame >= low) & (frame <= high)).any():
        raise UnreadableImage(f"{called(keyword)} of this DICOM file does not fit {called('BitsStored')}")


def _pad(header: "Dataset", keyword: str, layout: Layout) -> float | None:
    """Words are signed as the samples are, whatever sign their own value representation has."""
    from pydicom.datadict import tag_for_keyword

    found = header.get_item(tag_for_keyword(keyword) or 0)
    if found is None or not found.value:
        return None
    if not isinstance(found.value, bytes) or not keyword.startswith("PixelPadding"):
        return first(header, keyword)
    if found.VR in ("IS", "DS"):
        return first(header, keyword)
    size = min(len(found.value), layout.allocated_bits // 8, 4) if layout.allocated_bits > 16 else 2
    order = "<" if getattr(found, "is_little_endian", True) else ">"
    kind = "i" if layout.is_signed else "u"
    return float(np.frombuffer(found.value[:size], f"{order}{kind}{size}")[0])
