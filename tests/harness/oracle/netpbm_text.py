"""Reads the binary PBM, PGM and PPM that decoders write."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def parse(data: bytes) -> tuple[NDArray[Any], int]:
    """The first picture and its maximum: [rows, columns] of P4 (1 becomes white) and P5, [rows, columns, 3] of P6."""
    magic = data[:2]
    numbers, at = _numbers(data, 2 if magic == b"P4" else 3)
    if magic == b"P4":
        columns, rows = numbers
        packed = np.frombuffer(data, np.uint8, rows * (-(-columns // 8)), at).reshape(rows, -1)
        return 1 - np.unpackbits(packed, axis=1)[:, :columns], 1
    columns, rows, maximum = numbers
    shape = (rows, columns, 3) if magic == b"P6" else (rows, columns)
    kind = np.dtype(">u2" if maximum > 255 else np.uint8)
    return np.frombuffer(data, kind, int(np.prod(shape)), at).reshape(shape), maximum


def _numbers(data: bytes, count: int) -> tuple[list[int], int]:
    """The numbers after the magic word, and where the pixels begin."""
    found: list[int] = []
    at = 2
    while len(found) < count:
        if data[at : at + 1] == b"#":
            at = data.index(b"\n", at)
        elif data[at : at + 1].isspace():
            at += 1
        else:
            end = at
            while data[end : end + 1].isdigit():
                end += 1
            found.append(int(data[at:end]))
            at = end
    return found, at + 1
