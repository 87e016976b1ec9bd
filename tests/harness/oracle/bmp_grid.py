"""The grid of BMP files, written byte by byte."""

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.harness.oracle import patterns
from tests.harness.oracle.case import Case, Choice, Twin, named, walk

AXES = {
    "bits": ("1", "4", "8", "8-rle", "4-rle", "16-555", "16-555-masks", "16-565-masks", "24", "32", "32-masks"),
    "header": ("core", "info", "v4", "v5"),
    "direction": ("", "top-down"),
    "palette": ("colours", "greys", "few"),
    "size": ("24x20", "1x1", "3x5", "17x9", "33x2"),
}
_HEADER_BYTES = {"core": 12, "info": 40, "v4": 108, "v5": 124}
_MASKS = {
    "16-555-masks": (0x7C00, 0x3E0, 0x1F),
    "16-565-masks": (0xF800, 0x7E0, 0x1F),
    "32-masks": (0xFF0000, 0xFF00, 0xFF),
}

Samples = NDArray[Any]


def cases(count: int, seed: int = 5) -> Iterator[Case]:
    for choice in walk(AXES, count, seed, _possible):
        yield case_of(choice)


def case_of(choice: Choice) -> Case:
    """netpbm takes the masks of the later headers only."""
    name = named("bmp", choice)
    header = "v4" if choice["header"] == "info" and choice["bits"] in _MASKS else choice["header"]
    return Case(name, _file(name, choice), (Twin(_file(name, {**choice, "header": header})),))


def _possible(choice: dict[str, str]) -> Choice:
    """The oldest header knows neither masks nor runs nor 16 and 32 bits; runs are from the bottom up."""
    if not choice["bits"].isdigit() or int(choice["bits"]) > 24:
        choice["header"] = "info" if choice["header"] == "core" else choice["header"]
    if choice["header"] == "core" or choice["bits"].endswith("rle"):
        choice["direction"] = ""
    if choice["header"] == "core" and choice["palette"] == "few":
        choice["palette"] = "colours"
    if int(choice["bits"].partition("-")[0]) > 8:
        choice["palette"] = ""
    return choice


def _file(name: str, choice: Choice) -> bytes:
    bits = int(choice["bits"].partition("-")[0])
    columns, rows = (int(side) for side in choice["size"].split("x"))
    colours = _palette(choice["palette"], bits)
    top = len(colours) - 1 if bits <= 8 else 255
    shape = (max(rows, 2), max(columns, 2), *(() if bits <= 8 else (3,)))
    samples = patterns.integers(name, 0, top, *shape)[:rows, :columns]
    from_bottom = samples if choice["direction"] else samples[::-1]
    body = _runs(from_bottom, bits) if choice["bits"].endswith("rle") else _rows(from_bottom, choice["bits"])
    masks = _MASKS.get(choice["bits"])
    head = _header(choice, bits, columns, rows, len(colours), len(body))
    table = b"".join(bytes(one[::-1]) + (b"" if choice["header"] == "core" else b"\0") for one in colours)
    if masks and choice["header"] == "info":
        head += struct.pack("<3I", *masks)
    start = 14 + len(head) + len(table)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + table + body


def _header(choice: Choice, bits: int, columns: int, rows: int, colours: int, size: int) -> bytes:
    kind = choice["header"]
    if kind == "core":
        return struct.pack("<IHHHH", 12, columns, rows, 1, bits)
    masks = _MASKS.get(choice["bits"])
    compression = {"8-rle": 1, "4-rle": 2}.get(choice["bits"], 3 if masks else 0)
    height = -rows if choice["direction"] else rows
    head = struct.pack("<IiiHHIIiiII", _HEADER_BYTES[kind], columns, height, 1, bits, compression, size, 2835, 2835,
                       colours, 0)  # fmt: skip
    if kind == "info":
        return head
    return (head + struct.pack("<4I", *(masks or (0, 0, 0)), 0) + b"BGRs").ljust(_HEADER_BYTES[kind], b"\0")


def _palette(kind: str, bits: int) -> list[tuple[int, int, int]]:
    if bits > 8:
        return []
    count = max(2, (1 << bits) // 2 + 1) if kind == "few" else 1 << bits
    greys = [number * 255 // (count - 1) for number in range(count)]
    return [(grey, grey, grey) if kind == "greys" else (grey, 255 - grey, grey * 7 % 256) for grey in greys]


def _rows(samples: Samples, kind: str) -> bytes:
    bits = int(kind.partition("-")[0])
    found = b""
    for row in samples:
        if bits <= 8:
            pairs = (row[:, np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1
            line = np.packbits(pairs.astype(np.uint8).ravel()).tobytes()
        elif bits == 16:
            red, green, blue = (row[:, channel] for channel in range(3))
            words = (
                (red >> 3) << 11 | (green >> 2) << 5 | blue >> 3
                if "565" in kind
                else ((red >> 3) << 10 | (green >> 3) << 5 | blue >> 3)
            )
            line = words.astype("<u2").tobytes()
        else:
            blue_first = row[:, ::-1].astype(np.uint8)
            line = (blue_first if bits == 24 else np.pad(blue_first, ((0, 0), (0, 1)))).tobytes()
        found += line + bytes(-len(line) % 4)
    return found


def _runs(samples: Samples, bits: int) -> bytes:
    """BI_RLE8 and BI_RLE4: runs, and every third one as absolute pixels."""
    found = b""
    for row in samples.tolist():
        for number, start in enumerate(range(0, len(row), 7)):
            part = row[start : start + 7]
            found += _absolute(part, bits) if number % 3 == 1 and len(part) > 2 else _encoded(part, bits)
        found += b"\0\0"
    return found[:-2] + b"\0\1"


def _encoded(part: list[int], bits: int) -> bytes:
    return b"".join(bytes([1, one if bits == 8 else one << 4 | one]) for one in part)


def _absolute(part: list[int], bits: int) -> bytes:
    if bits == 8:
        content = bytes(part)
    else:
        even = [*part, 0] if len(part) % 2 else part
        content = bytes(high << 4 | low for high, low in zip(even[::2], even[1::2], strict=True))
    return bytes([0, len(part)]) + content + b"\0" * (len(content) % 2)
