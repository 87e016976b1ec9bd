"""Lookup tables of DICOM files: Modality LUT and VOI LUT (PS3.3 C.11.1.1.1 and C.11.2.1.1)."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from inference_api.imaging.dicom.numbers import lacks, unread
from inference_api.imaging.high_pixels import ModalityTable, VoiTable

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_DESCRIPTOR, _DATA = 0x00283002, 0x00283006
_MAX_BITS = 16


def modality_table(item: "Dataset", is_signed: bool) -> ModalityTable:
    """`is_signed`: the samples are. Raises UnreadableImage, which names the element."""
    first, _, entries = _table(item, is_signed)
    return ModalityTable(first, entries)


def voi_table(item: "Dataset", is_signed: bool) -> VoiTable:
    """`is_signed`: the samples are. Raises UnreadableImage, which names the element."""
    first, bits, entries = _table(item, is_signed)
    return VoiTable(first, np.rint(entries * (255.0 / (2**bits - 1))).clip(0, 255).astype(np.uint8))


def _table(item: "Dataset", is_signed: bool) -> tuple[int, int, NDArray[Any]]:
    """First mapped sample, bits per entry, entries. A descriptor is three words, of which 0 entries are 65,536."""
    entries, first, bits = _descriptor(item, is_signed)
    if not 1 <= bits <= _MAX_BITS:
        raise unread("LUTDescriptor")
    return first, bits, _entries(item, entries or 65536, bits)


def _descriptor(item: "Dataset", is_signed: bool) -> tuple[int, int, int]:
    found = item.get_item(_DESCRIPTOR)
    if found is None:
        raise lacks("LUTDescriptor")
    if not isinstance(found.value, bytes) or len(found.value) < 6:
        raise unread("LUTDescriptor")
    words = np.frombuffer(found.value[:6], _words(item))
    is_signed = found.VR == "SS" if found.VR in ("US", "SS") else is_signed
    return int(words[0]), int(words[1].astype(np.int16) if is_signed else words[1]), int(words[2])


def _entries(item: "Dataset", count: int, bits: int) -> NDArray[Any]:
    """Words, or bytes two in a word where that is how many there are."""
    found = item.get_item(_DATA)
    if found is None or not isinstance(found.value, bytes):
        raise lacks("LUTData")
    data = found.value
    words = np.frombuffer(data[: len(data) // 2 * 2], _words(item))
    if bits <= 8 and len(words) == (count + 1) // 2:
        words = words.astype("<u2").view(np.uint8)
    if len(words) < count:
        raise unread("LUTData")
    return words[:count].astype(np.uint16)


def _words(item: "Dataset") -> str:
    found = item.get_item(_DESCRIPTOR)
    return "<u2" if found is None or getattr(found, "is_little_endian", True) else ">u2"
