"""How large an encoded image is, and how much work to decode, read from its headers without decoding anything."""

from itertools import islice

from inference_api.imaging import pieces

INLINE_PIXELS = 1_048_576  # about 4 ms of decoding
INLINE_BYTES = 512 * 1024
INLINE_PIECES = 256

_JPEG_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})
_SCANS_PER_PASS = 4  # a scan of a progressive JPEG holds a part of each pixel

_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # PNG specification section 11.2.2, by colour type
_PNG_COMPRESSED_TEXT = (b"zTXt", b"iTXt")

_BMP_PLAIN = (0, 3)  # BI_RGB, BI_BITFIELDS; the others are run-length coded, or not a bitmap at all


def jpeg(data: bytes) -> int | None:
    """Pixels of a JPEG, more where it has many scans. None: too large, or a segment is misplaced."""
    if len(data) > INLINE_BYTES:
        return None
    header = pieces.jpeg_header(data, INLINE_PIECES)
    if not header.scan or not header.frame:
        return None
    at = header.frame
    pixels = int.from_bytes(data[at + 5 : at + 7]) * int.from_bytes(data[at + 7 : at + 9])
    if data[at + 1] in _JPEG_PROGRESSIVE:
        return max(pixels, pixels * data.count(b"\xff\xda") // _SCANS_PER_PASS)
    return pixels


def png(data: bytes) -> int | None:
    """Pixels of a PNG, more where one has over 3 bytes. None: interlaced, compressed text, or too large."""
    pixels = int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])
    depth, colour, interlace = data[24:25], data[25:26], data[28:29]
    if (
        len(data) > INLINE_BYTES
        or interlace != b"\0"
        or colour[0] not in _PNG_CHANNELS
        or not _png_chunks_are_plain(data)
    ):
        return None
    pixel_bytes = _PNG_CHANNELS[colour[0]] * max(1, depth[0] // 8)
    return pixels * max(3, pixel_bytes) // 3


def _png_chunks_are_plain(data: bytes) -> bool:
    chunks = list(islice(pieces.png_chunks(data), INLINE_PIECES))
    return len(chunks) < INLINE_PIECES and not any(kind in _PNG_COMPRESSED_TEXT for kind in chunks)


def bmp(data: bytes) -> int | None:
    """Pixels of a BMP, from BITMAPINFOHEADER; a negative height is that of a top-down image. None: compressed."""
    width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
    return abs(width * height) if int.from_bytes(data[30:34], "little") in _BMP_PLAIN else None


def webp(data: bytes) -> tuple[int, int]:
    """Width and height of a WebP, RFC 9649 sections 2.5 (lossy), 2.6 (lossless) and 2.7 (extended)."""
    kind = data[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
