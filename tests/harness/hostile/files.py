"""Image files that somebody could send: every format and mode that is read, and files made to hurt a reader."""

import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from tests.harness.hostile.dicoms import dicom_file

SIDE = 96


def png(width: int, height: int, bits: int = 8, colour_type: int = 0, rows: bytes = b"", extra: bytes = b"") -> bytes:
    """A PNG whose header says what you like; `extra`: chunks after the header."""
    header = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    data, end = png_chunk(b"IDAT", zlib.compress(rows)), png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + extra + data + end


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def webp(kind: bytes, body: bytes) -> bytes:
    """A WebP of one chunk."""
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def tiff_of_one_tile(side: int, tile_side: int) -> bytes:
    """A grey TIFF of side x side pixels in one deflated tile of tile_side x tile_side."""
    data = zlib.compress(bytes(tile_side * tile_side), 9)
    longs = {256: side, 257: side, 258: 8, 259: 8, 262: 1, 277: 1, 322: tile_side, 323: tile_side, 324: 0}
    longs |= {324: 8 + 2 + 12 * 10 + 4, 325: len(data)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in longs.items())
    return b"II*\0" + struct.pack("<IH", 8, len(longs)) + entries + bytes(4) + data


def jpeg_of_many_scans(scans: int = 200) -> bytes:
    """A progressive JPEG whose last scan is there many times: each passes over the whole image."""
    data = encoded(grey(), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def deflated(data: bytes) -> bytes:
    """A DICOM file again, in the syntax that deflates everything after its meta group."""
    start = 144 + int.from_bytes(data[140:144], "little")
    plain, packed = b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99"
    head = data[:start].replace(struct.pack("<H", len(plain)) + plain, struct.pack("<H", len(packed)) + packed)
    head = head[:140] + struct.pack("<I", len(head) - 144) + head[144:]
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return head + packer.compress(data[start:]) + packer.flush()


def dicom_of_many_elements() -> bytes:
    """Six million bytes of private elements without content: minutes of parsing, unless the reader stops."""
    data = dicom_file(np.zeros((8, 8), np.uint8), PixelData=None)
    return data + b"".join(b"\x29\x00" + number.to_bytes(2, "little") + b"LO\0\0" for number in range(65536)) * 12


def encoded(image: Image.Image, file_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def colour(mode: str = "RGB") -> Image.Image:
    draw = np.random.default_rng(7)
    noisy = np.linspace(0, 220, SIDE * SIDE * 4).reshape(SIDE, SIDE, 4) + draw.integers(0, 36, (SIDE, SIDE, 4))
    image = Image.fromarray(noisy.astype(np.uint8), "RGBA")
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def grey() -> Image.Image:
    return colour("L")


def sixteen_bits() -> "np.ndarray[Any, np.dtype[np.uint16]]":
    return (np.asarray(grey()).astype(np.uint16) * 257).copy()


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(colour(), "JPEG", exif=exif)


def _animated(file_format: str) -> bytes:
    frames = [colour("RGBA").rotate(angle) for angle in (90, 180)]
    return encoded(colour("RGBA"), file_format, save_all=True, append_images=frames, duration=50)


def _not_a_number() -> bytes:
    samples = np.asarray(grey()).astype(np.float32)
    samples[::2] = np.nan
    samples[1] = np.inf
    return dicom_file(samples)


@cache
def read_files() -> dict[str, bytes]:
    """Files that are read, each by another way through the decoder."""
    bits, floats = sixteen_bits(), np.asarray(grey()).astype(np.float32)
    bits_image = Image.fromarray(bits)
    return {
        "grey.jpg": encoded(grey(), "JPEG"),
        "colour.jpg": encoded(colour(), "JPEG"),
        "progressive.jpg": encoded(colour(), "JPEG", progressive=True),
        "cmyk.jpg": encoded(colour("CMYK"), "JPEG"),
        "rotated.jpg": _rotated(),
        "grey.png": encoded(grey(), "PNG"),
        "bilevel.png": encoded(colour("1"), "PNG"),
        "palette.png": encoded(colour("P"), "PNG", transparency=bytes(range(256))),
        "alpha.png": encoded(colour("RGBA"), "PNG"),
        "animated.png": _animated("PNG"),
        "16-bit.png": encoded(bits_image, "PNG"),
        "lossy.webp": encoded(colour(), "WEBP"),
        "lossless.webp": encoded(colour("RGBA"), "WEBP", lossless=True),
        "animated.webp": _animated("WEBP"),
        "grey.bmp": encoded(grey(), "BMP"),
        "colour.bmp": encoded(colour(), "BMP"),
        "grey.tif": encoded(grey(), "TIFF"),
        "jpeg.tif": encoded(colour(), "TIFF", compression="jpeg"),
        "lzw.tif": encoded(colour("RGBA"), "TIFF", compression="tiff_lzw"),
        "16-bit.tif": encoded(bits_image, "TIFF", compression="tiff_adobe_deflate"),
        "float.tif": encoded(Image.fromarray(floats), "TIFF"),
        "mr.dcm": dicom_file(bits, WindowCenter=30000, WindowWidth=20000),
        "inverted.dcm": dicom_file(bits, PhotometricInterpretation="MONOCHROME1", RescaleSlope=2, RescaleIntercept=-5),
        "colour.dcm": dicom_file(np.asarray(colour())),
        "jpeg.dcm": dicom_file(np.asarray(grey()), "1.2.840.10008.1.2.4.50", encoded(grey(), "JPEG")),
        "float.dcm": dicom_file(floats),
        "nan.dcm": _not_a_number(),
        "wide.png": encoded(grey().resize((4000, 1)), "PNG"),
        "one-pixel.png": encoded(grey().resize((1, 1)), "PNG"),
    }


@cache
def refused_files() -> dict[str, bytes]:
    """Files that are refused: bombs, other formats, damage."""
    bits = np.asarray(grey()).astype(np.uint16)
    return {
        "bomb.png": png(2**31 - 1, 2**31 - 1),
        "bomb-40-megapixels-and-a-row.png": png(40_001, 1000),
        "text-bomb.png": png(9, 9, extra=png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(50_000_000)))),
        "profile-bomb.png": png(9, 9, extra=png_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(50_000_000)))),
        "no-width.png": png(0, 9),
        "16-bit-colour.png": png(2, 2, 16, 2, bytes(26)),
        "bomb.webp": webp(b"VP8X", bytes(4) + b"\xff\x3f\x00\xff\x3f\x00"),
        "header.webp": webp(b"VP8X", b""),
        "bomb.bmp": encoded(grey(), "BMP")[:18] + struct.pack("<ii", 2**31 - 1, -(2**31)) + bytes(400),
        "scans.jpg": jpeg_of_many_scans(),
        "bomb.jpg": encoded(grey(), "JPEG").replace(struct.pack(">HH", SIDE, SIDE), b"\xff\xff\xff\xff"),
        "tile.tif": tiff_of_one_tile(16, 7000),
        "circle.tif": b"II*\0\x08\0\0\0" + struct.pack("<H", 0) + struct.pack("<I", 8),
        "deflated.dcm": deflated(dicom_file(bits)),
        "elements.dcm": dicom_of_many_elements(),
        "16-bit-colour.dcm": dicom_file(np.asarray(colour()).astype(np.uint16)),
        "jpeg-ls.dcm": dicom_file(bits, "1.2.840.10008.1.2.4.80", b"\xff\xd8\xff\xf7" + bytes(60)),
        "large-frame.dcm": dicom_file(bits, Rows=65_535, Columns=65_535),
        "no-pixels.dcm": bytes(128) + b"DICM",
        "animation.gif": encoded(colour("P"), "GIF"),
        "postscript.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nquit\n",
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "page.pdf": b"%PDF-1.7\n1 0 obj<<>>endobj",
        "program.exe": b"MZ" + bytes(500),
        "zeros.bin": bytes(5000),
        "empty.png": b"",
    }
