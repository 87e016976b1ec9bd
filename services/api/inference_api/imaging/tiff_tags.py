"""The tags of a TIFF's first directory, read without Pillow, which makes an object of each value."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from inference_api.imaging.unreadable import UnreadableImage

# One strip for each row is usual, and so are strips of 8 KiB.
MAX_STRIPS = 4096
MAX_TAGS = 4096

BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC, FILL_ORDER, SAMPLES_PER_PIXEL = 258, 259, 262, 266, 277
PLANAR, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT, YCBCR_SUBSAMPLING = 284, 332, 338, 339, 530

NAMES: Mapping[int, str] = {
    BITS_PER_SAMPLE: "BitsPerSample",
    COMPRESSION: "Compression",
    PHOTOMETRIC: "PhotometricInterpretation",
    FILL_ORDER: "FillOrder",
    SAMPLES_PER_PIXEL: "SamplesPerPixel",
    PLANAR: "PlanarConfiguration",
    INK_SET: "InkSet",
    EXTRA_SAMPLES: "ExtraSamples",
    SAMPLE_FORMAT: "SampleFormat",
    YCBCR_SUBSAMPLING: "YCbCrSubSampling",
}

# BitsPerSample, StripOffsets, StripByteCounts, TileOffsets, TileByteCounts, ExtraSamples, SampleFormat
_LISTS = frozenset({258, 273, 279, 324, 325, 338, 339})
_COLOR_MAP = 320
_MAX_COLORS = 3 * 65_536

# Of the tags that are read here.
_MAX_VALUES = 16

# By the type of a tag: TIFF 6.0 page 15, then IFD, and LONG8, SLONG8, IFD8 of BigTIFF.
_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}


@dataclass(frozen=True, slots=True)
class TiffTags:
    """The values of those in NAMES, by tag. `places`: where in the file the first value's lowest byte is."""

    is_little_endian: bool
    values: Mapping[int, tuple[int, ...]]
    places: Mapping[int, int]

    def one(self, tag: int, default: int) -> int:
        """The first value; where there is none, TIFF 6.0's default."""
        return self.values.get(tag, (default,))[0]


def called(tag: int) -> str:
    """
    >>> called(262)
    'PhotometricInterpretation (262)'
    """
    return f"{NAMES[tag]} ({tag})"


def read(data: bytes) -> TiffTags:
    """Raises UnreadableImage for no or too many tags or strips, or where several tags hold the same bytes.

    TIFF 6.0 section 2, and BigTIFF, whose numbers are wider. Only the first directory is read.
    """
    order = "<" if data[:2] == b"II" else ">"
    is_big = 43 in data[2:4]
    if is_big and order == ">":
        raise UnreadableImage("this TIFF is a BigTIFF in big-endian byte order")
    word, count_bytes, entry_bytes = (8, 8, 20) if is_big else (4, 2, 12)

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], "little" if order == "<" else "big")

    directory = number(8 if is_big else 4, word)
    tags = number(directory, count_bytes)
    if tags > MAX_TAGS:
        raise UnreadableImage(f"this TIFF has more than {MAX_TAGS:,} tags")
    first, value_bytes = directory + count_bytes, 0
    found: dict[int, tuple[int, ...]] = {}
    places: dict[int, int] = {}
    for at in range(first, min(first + tags * entry_bytes, len(data)), entry_bytes):
        tag, kind, values = number(at, 2), number(at + 2, 2), number(at + 4, word)
        if (tag in _LISTS and values > MAX_STRIPS) or (tag == _COLOR_MAP and values > _MAX_COLORS):
            raise UnreadableImage(f"this TIFF has more than {MAX_STRIPS:,} strips or tiles")
        size = values * _VALUE_BYTES.get(kind, 0)
        value_bytes += size
        if tag in NAMES and values:
            place = at + 4 + word if size <= word else number(at + 4 + word, word)
            found[tag] = _values(data, tag, order, kind, values, place)
            places[tag] = place if order == "<" else place + _VALUE_BYTES[kind] - 1
    if value_bytes > len(data):
        raise UnreadableImage("the tags of this TIFF are larger than the file")
    if not found:
        raise UnreadableImage("this TIFF is damaged: its first directory has no tags")
    return TiffTags(order == "<", found, places)


def _values(data: bytes, tag: int, order: str, kind: int, count: int, place: int) -> tuple[int, ...]:
    if kind not in _WHOLE_NUMBERS:
        raise UnreadableImage(f"{called(tag)} of this TIFF is no whole number")
    form = f"{order}{min(count, _MAX_VALUES)}{_WHOLE_NUMBERS[kind]}"
    if place + struct.calcsize(form) > len(data):
        raise UnreadableImage(f"{called(tag)} of this TIFF lies outside of the file")
    return struct.unpack_from(form, data, place)
