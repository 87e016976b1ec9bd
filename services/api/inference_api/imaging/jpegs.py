"""Opens a JPEG, alone or inside a DICOM file, unless decoding it would cost too much."""

import io

from PIL.JpegImagePlugin import JpegImageFile

from inference_api.imaging import pieces
from inference_api.imaging.counted_reads import CountedReads
from inference_api.imaging.unreadable import UnreadableImage

# Each scan of a progressive JPEG passes over the whole image; encoders write about ten.
MAX_SCANS = 50

_JPEG_LS = b"\xff\xf7"
_NEAR_BYTES = 64
_TOO_DEEP = "-bit layers"  # Pillow's words
_START_OF_SCAN = b"\xff\xda"
_COMPONENTS = 4  # where a scan's header says how many it has, from the marker on: ITU T.81 section B.2.3


class DeepJpeg(UnreadableImage):
    """Its samples have 12 or 16 bits."""


class Jpeg(JpegImageFile):
    """`has_several_scans`: whether it may have more than one."""

    has_several_scans = False


def open_jpeg(data: bytes) -> Jpeg:
    """Reads the header only. Raises UnreadableImage for too many segments or scans, or deep samples, and as Pillow."""
    header = pieces.jpeg_header(data, pieces.MAX_PIECES)
    if header.segments == pieces.MAX_PIECES:
        raise UnreadableImage(f"this file has too many segments, more than {pieces.MAX_PIECES:,}")
    try:
        image = Jpeg(io.BytesIO(data) if header.scan else CountedReads(data, "segments"))
    except SyntaxError as error:
        if _TOO_DEEP in str(error):
            raise DeepJpeg("this JPEG has samples of 12 or 16 bits") from error
        if _JPEG_LS in data[:_NEAR_BYTES]:
            raise UnreadableImage("this file is JPEG-LS") from error
        raise
    image.has_several_scans = _has_several_scans(image, data, header.scan)
    if image.has_several_scans and data.count(_START_OF_SCAN) > MAX_SCANS:
        raise UnreadableImage(f"this JPEG has more than {MAX_SCANS} scans")
    return image


def _has_several_scans(image: JpegImageFile, data: bytes, scan: int) -> bool:
    """By the rule of libjpeg: it is progressive, or the first scan lacks components.

    To look for the markers of scans would take a tenth of the time of decoding.
    """
    return not scan or "progressive" in image.info or data[scan + _COMPONENTS] < image.layers
