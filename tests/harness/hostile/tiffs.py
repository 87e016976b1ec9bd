"""TIFF files written tag by tag, so that they may be of kinds that Pillow does not write."""

import struct
import zlib
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

DEFLATE = 8
_SHORT, _LONG, _LONG8 = 3, 4, 16

Values = int | Sequence[int]


def tiff_file(
    samples: NDArray[Any] | bytes,
    size: tuple[int, int],
    order: str = "<",
    is_big: bool = False,
    deflated: bool = False,
    **tags: Values | None,
) -> bytes:
    """One strip of `samples`, put into byte `order`. `tags` by number, `t262=0`; None leaves one out."""
    if isinstance(samples, bytes):
        data, bits, kind = samples, 8, 1
    else:
        data = samples.astype(samples.dtype.newbyteorder(order)).tobytes()  # type: ignore[arg-type]  # "<" or ">"
        bits, kind = 8 * samples.itemsize, {"u": 1, "i": 2, "f": 3}[samples.dtype.kind]
    data = zlib.compress(data) if deflated else data
    width, height = size
    found: dict[int, Values | None] = {256: width, 257: height, 258: bits, 259: DEFLATE if deflated else 1, 262: 1}
    found |= {273: 16, 277: 1, 278: height, 279: len(data), 339: kind}
    found |= {int(name[1:]): value for name, value in tags.items()}
    data += b"\0" * (-len(data) % 8)
    head = struct.pack(f"{order}HHHQ", 43, 8, 0, 16 + len(data)) if is_big else _head(order, 16 + len(data))
    return (b"II" if order == "<" else b"MM") + head + data + _directory(found, order, is_big, 16 + len(data))


def _head(order: str, directory: int) -> bytes:
    return struct.pack(f"{order}HI8x", 42, directory)


def _directory(tags: dict[int, Values | None], order: str, is_big: bool, start: int) -> bytes:
    present = {
        tag: [value] if isinstance(value, int) else list(value) for tag, value in tags.items() if value is not None
    }
    count, word, number = ("Q", 8, "Q") if is_big else ("H", 4, "I")
    entry_bytes = 4 + 2 * word
    after = start + struct.calcsize(f"<{count}") + len(present) * entry_bytes + word
    entries, extra = b"", b""
    for tag, values in sorted(present.items()):
        kind, code = (_SHORT, "H") if tag in (258, 262, 338, 339, 277, 284, 266, 530) else (_LONG, "I")
        content = struct.pack(f"{order}{len(values)}{code}", *values)
        if len(content) > word:
            place = struct.pack(f"{order}{number}", after + len(extra))
            extra += content + b"\0" * (-len(content) % 8)
        else:
            place = content.ljust(word, b"\0")
        entries += struct.pack(f"{order}HH{number}", tag, kind, len(values)) + place
    return struct.pack(f"{order}{count}", len(present)) + entries + bytes(word) + extra
