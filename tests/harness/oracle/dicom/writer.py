"""Writes DICOM files byte by byte, so that they may hold what pydicom would not write: PS3.5 section 7, PS3.10."""

import struct
import zlib
from collections.abc import Iterable, Mapping

Value = int | str | bytes | tuple[int, ...]
Elements = Mapping[int, tuple[str, Value]]

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"

_LONG = frozenset({"OB", "OW", "OF", "OD", "OL", "SQ", "UN", "UT"})
_PIXEL_DATA = 0x7FE00010


def dicom_file(syntax: str, elements: Elements, frames: Iterable[bytes] | None = None) -> bytes:
    """`elements` by tag, (0028,0010) is 0x00280010. `frames`: encoded ones, each its own fragment (PS3.5 A.4)."""
    meta: Elements = {
        0x00020001: ("OB", b"\0\1"),
        0x00020002: ("UI", _uid("1.2.840.10008.5.1.4.1.1.7")),
        0x00020003: ("UI", _uid("1.2.826.0.1.3680043.8.498.2.1")),
        0x00020010: ("UI", _uid(syntax)),
        0x00020012: ("UI", _uid("1.2.826.0.1.3680043.8.498.2")),
    }
    head = b"".join(_element(tag, vr, value, EXPLICIT) for tag, (vr, value) in meta.items())
    length = _element(0x00020000, "UL", len(head), EXPLICIT)
    common = {
        0x00080016: ("UI", _uid("1.2.840.10008.5.1.4.1.1.7")),
        0x00080018: ("UI", _uid("1.2.826.0.1.3680043.8.498.2.1")),
    }
    body = b"".join(_element(tag, vr, value, syntax) for tag, (vr, value) in sorted({**common, **elements}.items()))
    if syntax == DEFLATED:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = deflate.compress(body) + deflate.flush()
    return bytes(128) + b"DICM" + length + head + body + (b"" if frames is None else _encapsulated(frames))


def _uid(text: str) -> str:
    return text + "\0" * (len(text) % 2)


def sequence_item(elements: Elements, syntax: str) -> bytes:
    """The value of a sequence with one item, both of defined length: PS3.5 section 7.5."""
    body = b"".join(_element(tag, vr, value, syntax) for tag, (vr, value) in sorted(elements.items()))
    order = _order(syntax)
    return struct.pack(f"{order}HHI", 0xFFFE, 0xE000, len(body)) + body


def _order(syntax: str) -> str:
    return ">" if syntax == BIG_ENDIAN else "<"


def _element(tag: int, vr: str, value: Value, syntax: str) -> bytes:
    order, content = _order(syntax), _content(vr, value, _order(syntax))
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack(f"{order}I", len(content)) + content
    size = f"{order}xxI" if vr in _LONG else f"{order}H"
    return head + vr.encode() + struct.pack(size, len(content)) + content


def _content(vr: str, value: Value, order: str) -> bytes:
    if isinstance(value, bytes):
        return value + b"\0" * (len(value) % 2)
    if isinstance(value, str):
        return (value + " " * (len(value) % 2)).encode()
    numbers = value if isinstance(value, tuple) else (value,)
    code = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "AT": "I"}[vr]
    return struct.pack(f"{order}{len(numbers)}{code}", *numbers)


def _encapsulated(frames: Iterable[bytes]) -> bytes:
    item = struct.Struct("<HHI")
    found = struct.pack("<HH", _PIXEL_DATA >> 16, _PIXEL_DATA & 0xFFFF) + b"OB\0\0" + b"\xff" * 4
    found += item.pack(0xFFFE, 0xE000, 0)
    for frame in frames:
        padded = frame + b"\0" * (len(frame) % 2)
        found += item.pack(0xFFFE, 0xE000, len(padded)) + padded
    return found + item.pack(0xFFFE, 0xE0DD, 0)
