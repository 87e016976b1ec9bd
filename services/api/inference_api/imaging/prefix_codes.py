"""The bits and prefix codes of a lossless WebP: RFC 9649 section 3.7.2. What libwebp refuses is refused."""

from dataclasses import dataclass

import numpy as np

from inference_api.imaging.unreadable import UnreadableImage

_LENGTH_CODES = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
_REPEATS = {16: (2, 3), 17: (3, 3), 18: (7, 11)}  # extra bits, and the least repeats
_FIRST_LENGTH = 8
_PEEKED_BYTES = 10


class Bits:
    """Those of `data[start:end]`, from the least significant one. Raises UnreadableImage behind the end."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data = data
        self._at = 8 * start
        self._end = 8 * min(end, len(data))

    def peek(self) -> int:
        """The next 72 bits and some more, of which those behind the end mean nothing."""
        start = self._at >> 3
        return int.from_bytes(self._data[start : start + _PEEKED_BYTES], "little") >> (self._at & 7)

    def skip(self, count: int) -> None:
        self._at += count
        if self._at > self._end:
            raise damaged()

    def take(self, count: int) -> int:
        found = self.peek() & (1 << count) - 1
        self.skip(count)
        return found


@dataclass(frozen=True, slots=True)
class Code:
    """`table`, at the next bits under `mask`: the symbol, and in the last four bits how many of them it takes."""

    mask: int
    table: list[int]

    def read(self, bits: Bits) -> int:
        """The next symbol."""
        found = self.table[bits.peek() & self.mask]
        bits.skip(found & 15)
        return found >> 4


def damaged() -> UnreadableImage:
    return UnreadableImage("this WebP is damaged in front of its picture")


def read_code(bits: Bits, size: int) -> Code:
    """A code of `size` symbols."""
    return _code(_simple(bits, size) if bits.take(1) else _normal(bits, size))


def _simple(bits: Bits, size: int) -> list[int]:
    lengths = [0] * max(256, size)
    has_two = bits.take(1)
    lengths[bits.take(8 if bits.take(1) else 1)] = 1
    if has_two:
        lengths[bits.take(8)] = 1
    return lengths[:size]


def _normal(bits: Bits, size: int) -> list[int]:
    of_lengths = [0] * len(_LENGTH_CODES)
    for symbol in _LENGTH_CODES[: bits.take(4) + 4]:
        of_lengths[symbol] = bits.take(3)
    code = _code(of_lengths)
    left = 2 + bits.take(2 + 2 * bits.take(3)) if bits.take(1) else size
    if left > size:
        raise damaged()
    lengths: list[int] = []
    last = _FIRST_LENGTH
    while len(lengths) < size and left:
        left -= 1
        symbol = code.read(bits)
        if symbol < 16:
            lengths.append(symbol)
            last = symbol or last
        else:
            extra_bits, least = _REPEATS[symbol]
            lengths += [last if symbol == 16 else 0] * (least + bits.take(extra_bits))
    if len(lengths) > size:
        raise damaged()
    return lengths + [0] * (size - len(lengths))


def _code(lengths: list[int]) -> Code:
    """Canonical: shorter codes first, and symbols in order. A single symbol takes no bit."""
    used = sorted((length, symbol) for symbol, length in enumerate(lengths) if length)
    if not used:
        raise damaged()
    if len(used) == 1:
        return Code(0, [used[0][1] << 4])
    longest = used[-1][0]
    table = np.zeros(1 << longest, np.int64)
    code = 0
    for length, symbol in used:
        if code >> longest:
            raise damaged()
        first = int(f"{code:0{longest}b}"[::-1], 2)
        table[first :: 1 << length] = symbol << 4 | length
        code += 1 << longest - length
    if code != 1 << longest:
        raise damaged()
    return Code((1 << longest) - 1, table.tolist())
