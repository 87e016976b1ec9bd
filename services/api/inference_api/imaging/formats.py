"""The image formats that are read, one row each.

Decoding, the problem `not-an-image`, the OpenAPI document, the page's file chooser and the warm-up derive from this
table. To add a format, add its row here and its name in docs/runbook.md. A test compares the two, and asks for a file
of the format in the collection of files that all decoders are tested with.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.PngImagePlugin import PngImageFile

from inference_api.imaging import image_sizes, pieces
from inference_api.imaging.admit import Admit
from inference_api.imaging.counted_reads import CountedReads
from inference_api.imaging.dicom import reader
from inference_api.imaging.dicom.parser import is_dicom
from inference_api.imaging.high_pixels import HighPixels
from inference_api.imaging.jpegs import open_jpeg
from inference_api.imaging.tiffs import open_tiff
from inference_api.imaging.webps import open_webp

Opened = ImageFile.ImageFile | Image.Image | HighPixels


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """One format: what it is called, how a file of it is recognised, opened and sized.

    `accept`: media types and file name endings, for a browser's file chooser.
    `matches(data)`: whether the file's first bytes are this format's.
    `open(data, admit)`: a Pillow image of which only the header is read, or decoded pixels. Whoever decodes calls
    `admit` before, and a format whose header is not free to read calls it even earlier.
    `pixel_count(data)`: the pixels that the header announces, for formats that are quick enough to decode on the event
    loop when they are small; None: decode in a thread.
    `pillow_name`: the name under which Pillow writes a sample for the warm-up; None where Pillow has no part in it.
    """

    name: str
    accept: tuple[str, ...]
    matches: Callable[[bytes], bool]
    open: Callable[[bytes, Admit], Opened]
    pixel_count: Callable[[bytes], int | None]
    pillow_name: str | None


def _starts(*magic: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(magic)


def _is_webp(data: bytes) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def _by(plugin: type[ImageFile.ImageFile], what: str, max_reads: int) -> Callable[[bytes, Admit], Opened]:
    """Pillow's plugin, called directly: Image.open would warn about sizes that are checked here."""
    return lambda data, _: plugin(CountedReads(data, what, max_reads))


def _open_png(data: bytes, _: Admit) -> Opened:
    pieces.check_png(data)
    return PngImageFile(CountedReads(data, "chunks"))


def _in_a_thread(_: bytes) -> None:
    return None


# Pillow decodes run-length coding in Python, with two reads for each run.
_MAX_BMP_READS = 65_536

_TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"

OTHER = "other"

_DICOM = ImageFormat(
    name="DICOM",
    accept=("application/dicom", ".dcm"),
    matches=is_dicom,
    open=reader.read,
    pixel_count=_in_a_thread,
    pillow_name=None,
)

FORMATS = (
    ImageFormat(
        name="JPEG",
        accept=("image/jpeg",),
        matches=_starts(b"\xff\xd8\xff"),
        open=lambda data, _: open_jpeg(data),
        pixel_count=image_sizes.jpeg,
        pillow_name="JPEG",
    ),
    ImageFormat(
        name="PNG",
        accept=("image/png",),
        matches=_starts(_PNG_MAGIC),
        open=_open_png,
        pixel_count=image_sizes.png,
        pillow_name="PNG",
    ),
    ImageFormat(
        name="WebP",
        accept=("image/webp",),
        matches=_is_webp,
        open=open_webp,
        pixel_count=_in_a_thread,
        pillow_name="WEBP",
    ),
    ImageFormat(
        name="BMP",
        accept=("image/bmp",),
        matches=_starts(b"BM"),
        open=_by(BmpImageFile, "runs", _MAX_BMP_READS),
        pixel_count=image_sizes.bmp,
        pillow_name="BMP",
    ),
    ImageFormat(
        name="TIFF",
        accept=("image/tiff", ".tif", ".tiff"),
        matches=_starts(*_TIFF_MAGIC),
        open=lambda data, _: open_tiff(data),
        pixel_count=_in_a_thread,
        pillow_name="TIFF",
    ),
    _DICOM,
)

# DICOM first: what comes before its magic word is free, and may look like another format (PS3.10 section 7.1).
_TRIED = (_DICOM, *(one for one in FORMATS if one is not _DICOM))


def find(data: bytes) -> ImageFormat | None:
    """The format of this file by its first bytes; None: none of them."""
    for one in _TRIED:
        if one.matches(data):
            return one
    return None


def name(data: bytes) -> str:
    """What the format of this file is called; OTHER: none of them."""
    found = find(data)
    return found.name if found else OTHER


def is_small(data: bytes) -> bool:
    """Whether decoding takes a few milliseconds, less than handing it to a thread is worth. Refuses nothing.

    Takes microseconds itself, whatever the file holds.
    """
    found = find(data)
    pixels = found.pixel_count(data) if found else None
    return pixels is not None and pixels <= image_sizes.INLINE_PIXELS


def listed(conjunction: str) -> str:
    """The names for a sentence.

    >>> listed("or").endswith("TIFF or DICOM")
    True
    """
    *names, last = (one.name for one in FORMATS)
    return f"{', '.join(names)} {conjunction} {last}"
