"""What libwebp allocates for the prefix codes of a lossless WebP, found without making them: RFC 9649 section 3.

A picture may have five codes for each 4x4 pixels, of 6 KB and more: 0.4 GB for a file of 0.3 MB. Which ones it has is
an image of its own, behind those of the transforms.
"""

from inference_api.imaging.prefix_codes import Bits, damaged, read_code
from inference_api.imaging.unreadable import UnreadableImage

# libwebp's own encoder makes a transform's image of at most 16,384 pixels; before 1.5, of 40 million ones, 156,250.
MAX_SYMBOLS = 524_288

_GROUP_BYTES = 20_736  # with a cache of colours; 12,416 without
_KEPT_GROUPS = 1000  # libwebp makes those that are not used as well, up to here
_MAX_CHUNKS = 4096
_FRAME_HEAD_BYTES = 16

_PREDICTOR, _CROSS_COLOUR, _SUBTRACT_GREEN = range(3)
_LITERALS, _LENGTHS, _DISTANCES = 256, 24, 40
_MAX_CACHE_BITS = 11

# With up to so many colours, 2 to the power of so many neighbours share a pixel.
_PACKED = ((2, 3), (4, 2), (16, 1), (256, 0))


def structure_bytes(data: bytes) -> int:
    """At most so many bytes, for the first frame. Raises UnreadableImage for a damaged file, and too many symbols."""
    at, alpha = 12, None
    for _ in range(_MAX_CHUNKS):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = at + 8
        if kind == b"VP8L":
            sides = int.from_bytes(data[body + 1 : body + 5], "little")
            bits = Bits(data, body + 5, body + size)
            return _groups(bits, 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF)) * _GROUP_BYTES
        if kind == b"VP8 ":
            width, height = (int.from_bytes(data[body + one : body + one + 2], "little") & 0x3FFF for one in (6, 8))
            return _groups(alpha, width, height) * _GROUP_BYTES if alpha else 0
        if kind == b"ALPH" and not alpha and data[body : body + 1] and data[body] & 3 == 1:
            alpha = Bits(data, body + 1, body + size)
        if not kind:
            break
        at = body + (_FRAME_HEAD_BYTES if kind == b"ANMF" else size + (size & 1))
    raise damaged()


def _groups(bits: Bits, width: int, height: int) -> int:
    symbols, seen = _Symbols(), set()
    while bits.take(1):
        kind = bits.take(2)
        if kind in seen:
            raise damaged()
        seen.add(kind)
        if kind in (_PREDICTOR, _CROSS_COLOUR):
            _blocks(bits, symbols, width, height)
        elif kind != _SUBTRACT_GREEN:
            colours = bits.take(8) + 1
            symbols.read(bits, colours)
            width = -(-width >> next(packed for most, packed in _PACKED if colours <= most))
    _cache_bits(bits)
    return _blocks(bits, symbols, width, height) if bits.take(1) else 1


def _blocks(bits: Bits, symbols: "_Symbols", width: int, height: int) -> int:
    """Reads an image of one pixel for each block; how many groups it would ask for."""
    exponent = bits.take(3) + 2
    pixels = -(-width >> exponent) * -(-height >> exponent)
    literals, highest = symbols.read(bits, pixels)
    return highest + 1 if highest < _KEPT_GROUPS else min(highest + 1, literals + 1)


def _cache_bits(bits: Bits) -> int:
    if not bits.take(1):
        return 0
    found = bits.take(4)
    if not 1 <= found <= _MAX_CACHE_BITS:
        raise damaged()
    return found


class _Symbols:
    """Reads images, up to MAX_SYMBOLS."""

    def __init__(self) -> None:
        self._left = MAX_SYMBOLS

    def read(self, bits: Bits, pixels: int) -> tuple[int, int]:
        """How many pixels are told, and the largest of red and green of any, as one number."""
        cache_bits = _cache_bits(bits)
        greens = _LITERALS + _LENGTHS + (1 << cache_bits if cache_bits else 0)
        green, red, blue, alpha, distance = (read_code(bits, size) for size in (greens, 256, 256, 256, _DISTANCES))
        if not green.mask | red.mask | blue.mask | alpha.mask and green.table[0] >> 4 < _LITERALS:
            return 1, red.table[0] >> 4 << 8 | green.table[0] >> 4
        literals, highest = 0, 0
        while pixels > 0:
            self._left -= 1
            if self._left < 0:
                raise UnreadableImage(
                    f"this WebP has too many symbols in front of its picture, more than {MAX_SYMBOLS:,}"
                )
            word = bits.peek()
            first = green.table[word & green.mask]
            used, symbol = first & 15, first >> 4
            if symbol < _LITERALS:
                second = red.table[word >> used & red.mask]
                used += second & 15
                used += blue.table[word >> used & blue.mask] & 15
                used += alpha.table[word >> used & alpha.mask] & 15
                literals += 1
                highest = max(highest, second >> 4 << 8 | symbol)
                pixels -= 1
            elif symbol < _LITERALS + _LENGTHS:
                length, used = _extra(word, used, symbol - _LITERALS)
                far = distance.table[word >> used & distance.mask]
                _, used = _extra(word, used + (far & 15), far >> 4)
                pixels -= length
            else:
                pixels -= 1
            bits.skip(used)
        return literals, highest


def _extra(word: int, used: int, symbol: int) -> tuple[int, int]:
    """A length or distance, of a symbol and the bits behind it; and how many bits are used then."""
    if symbol < 4:
        return symbol + 1, used
    count = symbol - 2 >> 1
    return (2 + (symbol & 1) << count) + (word >> used & (1 << count) - 1) + 1, used + count
