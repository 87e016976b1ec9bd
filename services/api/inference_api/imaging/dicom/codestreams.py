"""What OpenJPEG allocates for a JPEG 2000 file besides its samples, from the headers: ISO 15444-1 annexes A and B.

A file of 540 bytes may ask for millions of precincts, of 600 bytes each. Each tile may ask for its own ones, so the
headers of all tile-parts are read. What OpenJPEG might find elsewhere than this does is refused.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from inference_api.imaging.dicom.openjpeg import SIGNATURE_BOX
from inference_api.imaging.unreadable import UnreadableImage

MAX_PIECES = 4096
MAX_PACKETS = 4_194_304  # half a second of looking for packets that are not there

_START = b"\xff\x4f\xff\x51"  # SOC, and SIZ must follow
_SIZ, _COD, _COC, _SOT, _SOD, _EOC = 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93, 0xFFD9
# Those that OpenJPEG knows. Behind another it looks for the next one byte by byte, whatever length that one states.
_KNOWN = frozenset(
    {_SIZ, _COD, _COC, _SOT}
    | {0xFF50, 0xFF55, 0xFF57, 0xFF58, 0xFF59, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F}
    | {0xFF60, 0xFF61, 0xFF63, 0xFF64, 0xFF74, 0xFF75, 0xFF77, 0xFF78}
)
_MAX_COMPONENTS = 4
_WHOLE = 15  # the exponent of precincts as large as a tile

# Measured with OpenJPEG 2.5, and rounded up.
_TILE_BYTES = 10_240
_TILE_COMPONENT_BYTES = 1_536
_TILE_PART_BYTES = 6_656
_PRECINCT_BYTES = 320
_BLOCK_BYTES = 768
_CHUNK_BYTES = 48  # of a block's data, one for each layer in which it has some
_SEGMENTS_PER_FILE_BYTE = 96  # one for each coding pass, of three bits
_STYLES_OF_MANY_SEGMENTS = 0b101  # bypass, termination on each coding pass


@dataclass(frozen=True, slots=True)
class _Style:
    """Of COD or COC: `precincts` and `block` are exponents of 2."""

    layers: int
    levels: int
    block: tuple[int, int]
    has_many_segments: bool
    precincts: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Size:
    """Of SIZ: `tile` is the size of the largest one."""

    tile: tuple[int, int]
    tiles: int
    components: int


def structure_bytes(data: bytes) -> int:
    """At most so many bytes. Raises UnreadableImage for too many pieces, and where the markers are damaged."""
    size, styles, parts, layers = None, [], 0, 1
    for marker, body in _segments(data, _codestream(data)):
        if marker == _SIZ:
            size = _size(body)
        elif marker == _COD:
            layers = max(layers, int.from_bytes(body[2:4]))
            styles.append(_style(body[0], body[5:], layers))
        elif marker == _COC:
            styles.append(_style(body[1], body[2:], layers))
        parts += marker == _SOT
    if size is None or not styles:
        raise _damaged()
    shared = size.tiles * (_TILE_BYTES + size.components * _TILE_COMPONENT_BYTES) + parts * _TILE_PART_BYTES
    return shared + max(_style_bytes(size, style, layers, len(data)) for style in styles)


def _codestream(data: bytes) -> int:
    """Where it begins: in a JP2 file in the first box jp2c (annex I)."""
    at = 0
    for _ in range(MAX_PIECES if data.startswith(SIGNATURE_BOX) else 0):
        length, head = int.from_bytes(data[at : at + 4]), 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16]), 16
        if data[at + 4 : at + 8] == b"jp2c":
            at += head
            break
        if length < head:
            raise _damaged()
        at += length
    if data[at : at + 4] != _START:
        raise _damaged()
    return at + 2


def _segments(data: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Markers and their parameters, of the main header and of those of all tile-parts."""
    end = 0
    for _ in range(MAX_PIECES):
        marker = int.from_bytes(data[at : at + 2])
        if (end and at >= len(data) - 1) or marker == _EOC:
            return
        if marker == _SOD and at + 2 <= end:
            at = end
            continue
        length = int.from_bytes(data[at + 2 : at + 4])
        if marker not in _KNOWN or length < 2:
            raise _damaged()
        body = data[at + 4 : at + 2 + length]
        if marker == _SOT:
            end = at + int.from_bytes(body[2:6]) if any(body[2:6]) else len(data)
        yield marker, body
        at += 2 + length
    raise UnreadableImage(f"this JPEG 2000 frame has too many segments, more than {MAX_PIECES:,}")


def _size(body: bytes) -> _Size:
    if len(body) < 36:
        raise _damaged()
    right, bottom, left, top, width, height, tiles_left, tiles_top, components = struct.unpack_from(">8IH", body, 2)
    if not 1 <= components <= _MAX_COMPONENTS or not width or not height:
        raise _damaged()
    if not tiles_left <= left < right or not tiles_top <= top < bottom:
        raise _damaged()
    tiles = -(-(right - tiles_left) // width) * -(-(bottom - tiles_top) // height)
    return _Size((min(width, right - left), min(height, bottom - top)), tiles, components)


def _style(flags: int, body: bytes, layers: int) -> _Style:
    if len(body) < 5:
        raise _damaged()
    levels, *block, style, _ = body[:5]
    sizes = [(one & 15, one >> 4) for one in body[5 : 6 + levels]] if flags & 1 else [(_WHOLE, _WHOLE)] * (levels + 1)
    if levels > 32 or len(sizes) != levels + 1 or any(0 in one for one in sizes[1:]):
        raise _damaged()
    across, down = ((one & 15) + 2 for one in block)
    return _Style(layers, levels, (across, down), bool(style & _STYLES_OF_MANY_SEGMENTS), tuple(sizes))


def _style_bytes(size: _Size, style: _Style, layers: int, file_bytes: int) -> int:
    """Of one tile in this style: OpenJPEG has the precincts and blocks of one at a time."""
    precincts = blocks = most = 0
    for resolution in range(style.levels + 1):
        bands, halved = (3, 1) if resolution else (1, 0)
        extent = [(side >> style.levels - resolution + halved) + 1 for side in size.tile]
        exponents = [one - halved for one in style.precincts[resolution]]
        here = _cells(extent, exponents)
        most = max(most, here)
        precincts += bands * here
        blocks += bands * _cells(extent, [min(one, two) for one, two in zip(exponents, style.block, strict=True)])
    packets = layers * size.components * (style.levels + 1) * most
    if packets * size.tiles > MAX_PACKETS:
        raise UnreadableImage(f"this JPEG 2000 frame may have too many packets, more than {MAX_PACKETS:,}")
    chunks = min(blocks * size.components * layers, 2 * file_bytes) if layers > 1 else 0
    each = size.components * (precincts * _PRECINCT_BYTES + blocks * _BLOCK_BYTES)
    segments = file_bytes * _SEGMENTS_PER_FILE_BYTE if style.has_many_segments else 0
    return each + 2 * packets + chunks * _CHUNK_BYTES + segments


def _cells(extent: list[int], exponents: list[int]) -> int:
    """Of a grid of powers of 2, which may begin anywhere: as many as may have a part of the band."""
    across, down = (-(-side // (1 << exponent)) + 1 for side, exponent in zip(extent, exponents, strict=True))
    return across * down


def _damaged() -> UnreadableImage:
    return UnreadableImage("the headers of this JPEG 2000 frame are damaged")
