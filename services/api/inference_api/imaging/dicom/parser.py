"""Finds the elements of a DICOM file that are asked for, at a bounded cost, and says nothing about the others."""

import io
import logging
import re
import warnings
from typing import TYPE_CHECKING

from inference_api.imaging.unreadable import UnreadableImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_PREAMBLE_BYTES = 128
_MAGIC = b"DICM"
_META_LENGTH = b"\x02\0\0\0UL\x04\0"

# Without meta information a data set begins with (0008,0000), (0008,0001), (0008,0005), (0008,0008) or a UID.
_FIRST = (0, 1, 5, 8, 0x16, 0x18)
_FIRST_ELEMENTS = frozenset(b"\x08\0" + bytes((element, 0)) for element in _FIRST)
_FIRST_BIG_ENDIAN = frozenset(b"\0\x08" + bytes((0, element)) for element in _FIRST)
_FIRST_VRS = frozenset({b"UL", b"CS", b"UI"})
_FIRST_ANYWHERE = re.compile(rb"\x08\0[\0\x01\x05\x08\x16\x18]\0(UL|CS|UI)")
_NEAR_BYTES = 256
_MAX_FIRST_BYTES = 64


def is_dicom(data: bytes) -> bool:
    """Whether the file has DICOM's magic word (PS3.10 section 7.1), or begins as old files do, which have none."""
    return data[_PREAMBLE_BYTES : _PREAMBLE_BYTES + 4] == _MAGIC or _lacks_preamble(data)


def resembles_dicom(data: bytes) -> bool:
    """Whether there is a first element near the beginning of a file that is not DICOM."""
    return _FIRST_ANYWHERE.search(data[:_NEAR_BYTES]) is not None


def parse(data: bytes, keywords: list[str], max_reads: int, last: int = 0xFFFFFFFF) -> "Dataset":
    """Reads the named elements only, up to the tag `last`; elements are sorted by tag (PS3.5 section 7.1)."""
    from pydicom.datadict import tag_for_keyword
    from pydicom.filereader import read_partial

    _silence()
    tags = [tag for tag in map(tag_for_keyword, keywords) if tag is not None]
    file = _BoundedFile(data, max_reads)
    return read_partial(file, lambda tag, vr, length: tag > last, specific_tags=tags, force=_lacks_preamble(data))


def _lacks_preamble(data: bytes) -> bool:
    """Whether it begins with meta information, or with an element of group 0008."""
    if data.startswith(_META_LENGTH):
        return True
    tag, vr = data[:4], data[4:6]
    if tag in _FIRST_ELEMENTS:
        return vr in _FIRST_VRS or int.from_bytes(data[4:8], "little") <= _MAX_FIRST_BYTES
    return tag in _FIRST_BIG_ENDIAN and vr in _FIRST_VRS


class _BoundedFile(io.BytesIO):
    """Bounds what a hostile file can cost by millions of tiny elements, or by a deflated bomb.

    pydicom reads to the end of a file only to inflate it.
    """

    def __init__(self, data: bytes, max_reads: int) -> None:
        super().__init__(data)
        self._reads_left = max_reads

    def read(self, size: int | None = -1) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise UnreadableImage("this DICOM file has too many elements")
        if size is None or size < 0:
            raise UnreadableImage("this DICOM file is deflated as a whole; send it in another transfer syntax")
        return super().read(size)


def _silence() -> None:
    """Silences pydicom: its log lines and warnings quote values of the header, which may name a patient."""
    import pydicom

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    logging.getLogger("pydicom").disabled = True
    warnings.filterwarnings("ignore", module="pydicom")
