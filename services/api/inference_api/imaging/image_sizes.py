"""How large an encoded image is, read from its first bytes without decoding anything."""

INLINE_PIXELS = 1_048_576  # about 4 ms of decoding
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn of ITU T.81 table B.1, without DHT, JPG, DAC


def jpeg(data: bytes) -> int | None:
    """Pixels of a JPEG: walks the segments to the frame header. None where a segment is not where it should be."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _JPEG_SIZES:
            return int.from_bytes(data[at + 5 : at + 7]) * int.from_bytes(data[at + 7 : at + 9])
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


def png(data: bytes) -> int:
    """Pixels of a PNG, from IHDR: PNG specification section 11.2.2."""
    return int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])


def bmp(data: bytes) -> int:
    """Pixels of a BMP, from BITMAPINFOHEADER; a negative height is that of a top-down image."""
    width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
    return abs(width * height)


def webp(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP, RFC 9649 sections 2.5 (lossy), 2.6 (lossless) and 2.7 (extended)."""
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
