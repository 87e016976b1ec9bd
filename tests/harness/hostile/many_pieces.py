"""Small pictures in files of millions of tiny pieces: each piece costs a decoder time, and none has a pixel."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

SIDE = 8


def encoded(kind: str, size: tuple[int, int] = (SIDE, SIDE), **options: Any) -> bytes:
    """A grey picture."""
    file = io.BytesIO()
    Image.new("L", size, 90).save(file, kind, **options)
    return file.getvalue()


def jpeg(pieces: int, piece: bytes = b"\xff\xfe\x00\x02", at: int = 2) -> bytes:
    """A JPEG with so many empty comments, or what else `piece` is; 2 and 20 are where its first segments begin."""
    whole = encoded("JPEG")
    return whole[:at] + piece * pieces + whole[at:]


def png(pieces: int, kind: bytes = b"tEXt", before_pixels: bool = True) -> bytes:
    """A PNG with so many empty chunks of this kind."""
    whole = encoded("PNG")
    at = 33 if before_pixels else len(whole) - 12  # after IHDR, or before IEND
    return whole[:at] + chunk(kind, b"") * pieces + whole[at:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def tiff(rows: int, tags: int = 0) -> bytes:
    """A TIFF one pixel wide, with a strip for each row, all of them at the same byte, and so many unknown tags."""
    entries = [(256, 4, 1, 1), (257, 4, 1, rows), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, rows, 0)]
    entries += [(277, 3, 1, 1), (278, 3, 1, 1), (279, 4, rows, 0)]
    entries += [(1000 + number, 3, 1, 1) for number in range(tags)]
    lists_at = 8 + 2 + 12 * len(entries) + 4
    places = {273: lists_at, 279: lists_at + 4 * rows}
    directory = b"".join(struct.pack("<HHII", a, b, c, places.get(a, d) if c > 1 else d) for a, b, c, d in entries)
    head = b"II*\0" + struct.pack("<IH", 8, len(entries)) + directory + bytes(4)
    return head + struct.pack("<I", 8) * rows + struct.pack("<I", 1) * rows


def bmp(runs: int, width: int = 1000) -> bytes:
    """A run-length coded BMP of runs of 5 pixels, of which each `width` are a row."""
    pixels = (b"\x01\x05" * width + b"\0\0") * (runs // width) + b"\0\x01"
    head = struct.pack("<IiiHHIIiiII", 40, width, runs // width, 1, 8, 1, len(pixels), 0, 0, 256, 0)
    return b"BM" + struct.pack("<IHHI", 1078 + len(pixels), 0, 0, 1078) + head + bytes(1024) + pixels
