"""The grid of PNG files, written byte by byte."""

import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.harness.oracle import patterns
from tests.harness.oracle.case import Case, Choice, Twin, named, walk

_KINDS = {"grey": (0, 1), "rgb": (2, 3), "palette": (3, 1), "grey-alpha": (4, 2), "rgba": (6, 4)}
_DEPTHS = {"grey": (1, 2, 4, 8, 16), "rgb": (8, 16), "palette": (1, 2, 4, 8), "grey-alpha": (8, 16), "rgba": (8, 16)}
AXES = {
    "kind": tuple(f"{kind}-{depth}" for kind, depths in _DEPTHS.items() for depth in depths),
    "interlace": ("", "adam7"),
    "filter": ("none", "sub", "up", "average", "paeth", "mixed"),
    "transparent": ("", "", "trns"),
    "gamma": ("", "", "gama", "srgb"),
    "size": ("24x20", "1x1", "3x5", "17x9", "33x2"),
}
_FILTERS = {"none": 0, "sub": 1, "up": 2, "average": 3, "paeth": 4}
_ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))

Samples = NDArray[Any]


def cases(count: int, seed: int = 4) -> Iterator[Case]:
    for choice in walk(AXES, count, seed):
        yield case_of(choice)


def case_of(choice: Choice) -> Case:
    name = named("png", choice)
    data = _file(name, choice)
    return Case(name, data, (Twin(data),))


def _file(name: str, choice: Choice) -> bytes:
    kind, _, depth_text = choice["kind"].rpartition("-")
    colour, channels = _KINDS[kind]
    depth = int(depth_text)
    columns, rows = (int(side) for side in choice["size"].split("x"))
    samples = patterns.integers(name, 0, (1 << depth) - 1, max(rows, 2), max(columns, 2), channels)[:rows, :columns]
    head = struct.pack(">IIBBBBB", columns, rows, depth, colour, 0, 0, int(bool(choice["interlace"])))
    passes = _ADAM7 if choice["interlace"] else ((0, 0, 1, 1),)
    rows_of_all = b"".join(
        _filtered(samples[top::down, left::right], depth, choice["filter"]) for top, left, down, right in passes
    )
    chunks = [(b"IHDR", head), *_gamma(choice["gamma"]), *_colours(kind, depth, choice["transparent"], samples)]
    chunks += [(b"IDAT", zlib.compress(rows_of_all)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _gamma(kind: str) -> list[tuple[bytes, bytes]]:
    return {"": [], "gama": [(b"gAMA", struct.pack(">I", 100_000))], "srgb": [(b"sRGB", b"\0")]}[kind]


def _colours(kind: str, depth: int, transparent: str, samples: Samples) -> list[tuple[bytes, bytes]]:
    chunks = []
    if kind == "palette":
        steps = np.arange(1 << depth) * (255 // ((1 << depth) - 1))
        chunks.append((b"PLTE", np.stack([steps, steps[::-1], steps * 7 % 256], -1).astype(np.uint8).tobytes()))
    if transparent and kind in ("grey", "rgb"):
        chunks.append((b"tRNS", samples[0, 0].astype(">u2").tobytes()))
    if transparent and kind == "palette":
        chunks.append((b"tRNS", bytes([0, 128])))
    return chunks


def _filtered(samples: Samples, depth: int, kind: str) -> bytes:
    """One pass: PNG specification section 9; each row says how it is filtered."""
    if not samples.size:
        return b""
    rows = [_packed(row, depth) for row in samples]
    step = max(1, samples.shape[2] * depth // 8)
    found, above = b"", bytes(len(rows[0]))
    for number, row in enumerate(rows):
        how = number % 5 if kind == "mixed" else _FILTERS[kind]
        found += bytes([how]) + _differences(row, above, step, how)
        above = row
    return found


def _packed(row: Samples, depth: int) -> bytes:
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = (row.ravel()[:, np.newaxis] >> np.arange(depth - 1, -1, -1)) & 1
    return np.packbits(bits.astype(np.uint8).ravel()).tobytes()


def _differences(row: bytes, above: bytes, step: int, how: int) -> bytes:
    left = bytes(step) + row
    corner = bytes(step) + above
    guess = {
        0: lambda a, b, c: 0,
        1: lambda a, b, c: a,
        2: lambda a, b, c: b,
        3: lambda a, b, c: (a + b) // 2,
        4: _paeth,
    }[how]
    return bytes((byte - guess(a, b, c)) & 0xFF for byte, a, b, c in zip(row, left, above, corner, strict=False))


def _paeth(left: int, above: int, corner: int) -> int:
    return min((left, above, corner), key=lambda one: abs(left + above - corner - one))
