"""Numbers of a DICOM file as devices write them, and what an element is called when it is missing or cannot be read.

No value of the file is quoted: it may name a patient.
"""

import math
import re
from typing import TYPE_CHECKING

from inference_api.imaging.unreadable import UnreadableImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# A decimal string has at most 16 bytes (PS3.5 section 6.2).
_MAX_TEXT_BYTES = 4096

_TEXT_VRS = frozenset({"DS", "IS", "CS", "LO", "SH", "ST", "LT", "UT", "UN"})
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_DECIMAL_COMMA = re.compile(r"[^.,]*,[^.,]*")
# "1,024" may be a thousand or one: it is not read.
_MAYBE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_BRACKETED = re.compile(r"[\[(](.*)[\])]", re.DOTALL)
_BETWEEN = re.compile(r"\\|;|,\s+")
_BETWEEN_IN_BRACKETS = re.compile(r"[\\;,]")
_BLANKS = " \0\t\r\n'\""


def called(keyword: str) -> str:
    """The name and the tag of an element.

    >>> called("RescaleSlope")
    'Rescale Slope (0028,1053)'
    """
    from pydicom.datadict import dictionary_description, tag_for_keyword

    tag = tag_for_keyword(keyword) or 0
    return f"{dictionary_description(tag)} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


def lacks(keyword: str) -> UnreadableImage:
    """What to raise when an element is needed and is not there, or has no value."""
    return UnreadableImage(f"this DICOM file lacks {called(keyword)}")


def unread(keyword: str) -> UnreadableImage:
    """What to raise when the value of an element is needed and cannot be read."""
    return UnreadableImage(f"{called(keyword)} of this DICOM file cannot be read")


def number(text: str) -> float | None:
    """A decimal string (PS3.5 section 6.2), also with a decimal comma; None: it is no finite number, or ambiguous.

    >>> number("128,0"), number("1.5e3"), number("1,024"), number("N/A")
    (128.0, 1500.0, None, None)
    """
    if _DECIMAL_COMMA.fullmatch(text) and not _MAYBE_THOUSANDS.fullmatch(text):
        text = text.replace(",", ".")
    if not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def texts(header: "Dataset", keyword: str) -> list[str]:
    """The values of an element without blanks around them, "" for an empty one; [] when there is no such element.

    Separated as PS3.5 has it, and also as a list in brackets or by a comma with a blank behind it.
    """
    from pydicom.datadict import dictionary_VR, tag_for_keyword

    tag = tag_for_keyword(keyword) or 0
    found = header.get_item(tag)
    if found is None:
        return []
    if isinstance(found.value, bytes) and (found.VR or dictionary_VR(tag)) in _TEXT_VRS:
        return split(found.value[:_MAX_TEXT_BYTES].decode("latin-1"))
    return _converted(header, tag)


def first(header: "Dataset", keyword: str) -> float | None:
    """The first value; None when it is absent or empty. Raises UnreadableImage when it is no number."""
    values = texts(header, keyword)
    if not values or not values[0]:
        return None
    value = number(values[0])
    if value is None:
        raise unread(keyword)
    return value


def whole(header: "Dataset", keyword: str) -> int | None:
    """The first value; None when it is absent or empty. Raises UnreadableImage when it is no whole number."""
    value = first(header, keyword)
    if value is None:
        return None
    if value != int(value):
        raise unread(keyword)
    return int(value)


def split(text: str) -> list[str]:
    """The values of one text.

    >>> split("[128, 40]"), split(" 128\\\\40 "), split("128, 40")
    (['128', '40'], ['128', '40'], ['128', '40'])
    """
    text = text.strip(_BLANKS)
    bracketed = _BRACKETED.fullmatch(text)
    values = _BETWEEN_IN_BRACKETS.split(bracketed[1]) if bracketed else _BETWEEN.split(text)
    return [value.strip(_BLANKS) for value in values]


def _converted(header: "Dataset", tag: int) -> list[str]:
    """The values of an element that is not text."""
    try:
        value = header[tag].value
    except Exception:  # pydicom raises anything on untrusted bytes
        return ["unread"]
    if value is None or isinstance(value, str | int | float):
        return split("" if value is None else str(value))
    return [str(one).strip() for one in value] if not isinstance(value, bytes) else ["unread"]
