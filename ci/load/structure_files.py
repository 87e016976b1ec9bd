"""Small files that make a decoder allocate much besides pixels. The makers are those of decode_files."""

import struct

import numpy as np
from pydicom.uid import JPEG2000Lossless

from ci.load.decode_files import dicom_frame

_MOST_BLOCKS = 256  # in a row: there are at most 65,536 groups
_REVERSED = [int(f"{value:08b}"[::-1], 2) for value in range(256)]
_LENGTH_CODES = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8)


class _Bits:
    """Least significant first."""

    def __init__(self) -> None:
        self._bits: list[str] = []

    def put(self, value: int, count: int) -> None:
        self._bits.append(f"{value:0{count}b}"[::-1])

    def done(self) -> bytes:
        bits = "".join(self._bits)
        return int(bits[::-1], 2).to_bytes(-(-len(bits) // 8), "little")


def webp_of_many_codes(side: int) -> bytes:
    """One colour, and five prefix codes for each 4x4 pixels, of a larger picture for more: RFC 9649 section 3.7.2."""
    exponent = max(2, (-(-side // _MOST_BLOCKS) - 1).bit_length())
    blocks = (-(-side // (1 << exponent))) ** 2
    bits = _Bits()
    for value, count in ((0x2F, 8), (side - 1, 14), (side - 1, 14), (0, 4)):
        bits.put(value, count)
    bits.put(0b100, 3)  # no transform, no cache; groups, for each so many pixels:
    bits.put(exponent - 2, 3)
    _put_groups(bits, blocks)
    for _ in range(5 * blocks):
        bits.put(0b0001, 4)
    body = bits.done()
    body += bytes(64 + len(body) % 2)
    chunk = b"VP8L" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _put_groups(bits: _Bits, blocks: int) -> None:
    """An image of the numbers of groups: red and green have codes of eight bits each, the others take none."""
    bits.put(0, 1)
    for _ in ("green", "red"):
        bits.put(len(_LENGTH_CODES) - 4 << 1, 5)
        for symbol in _LENGTH_CODES:
            bits.put(int(symbol == 8), 3)
        bits.put(254 << 4 | 0b0111, 12)
    for _ in ("blue", "alpha", "distance"):
        bits.put(0b0001, 4)
    for block in range(blocks):
        bits.put(_REVERSED[block & 255], 8)
        bits.put(_REVERSED[block >> 8 & 255], 8)


def dicom_of_many_precincts(side: int) -> bytes:
    """Grey without data, and a precinct for each 4x4 pixels: ISO 15444-1 annex A."""
    return dicom_frame(np.zeros((side, side), np.uint8), JPEG2000Lossless, jpeg2000(side, side, precinct=2))


def dicom_of_many_tiles(side: int) -> bytes:
    """Grey without data, and a tile for each 16x16 pixels."""
    return dicom_frame(np.zeros((side, side), np.uint8), JPEG2000Lossless, jpeg2000(side, 16))


def jpeg2000(side: int, tile_side: int, precinct: int = 15, layers: int = 1, levels: int = 0) -> bytes:
    """A codestream of one tile-part without data. `precinct` is an exponent of 2."""
    sizes = struct.pack(">H8IH3B", 0, side, side, 0, 0, tile_side, tile_side, 0, 0, 1, 7, 1, 1)
    style = struct.pack(">BBHBBBBBB", 1, 2, layers, 0, levels, 4, 4, 0, 1) + bytes([precinct * 0x11] * (levels + 1))
    steps = b"\x40" * (2 + 3 * levels)
    segments = ((0xFF51, sizes), (0xFF52, style), (0xFF5C, steps), (0xFF90, struct.pack(">HIBB", 0, 15, 0, 1)))
    head = b"".join(struct.pack(">HH", marker, 2 + len(body)) + body for marker, body in segments)
    return b"\xff\x4f" + head + b"\xff\x93\0\xff\xd9"
