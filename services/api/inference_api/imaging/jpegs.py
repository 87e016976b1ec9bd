"""Opens a JPEG, alone or inside a DICOM file, unless decoding it would cost too much."""

from PIL.JpegImagePlugin import JpegImageFile

from inference_api.imaging import pieces
from inference_api.imaging.counted_reads import CountedReads
from inference_api.imaging.unreadable import UnreadableImage

# Each scan of a progressive JPEG passes over the whole image; encoders write about ten.
MAX_SCANS = 50

_START_OF_SCAN = b"\xff\xda"


def open_jpeg(data: bytes) -> JpegImageFile:
    """Reads the header only. Raises UnreadableImage for too many scans, and whatever Pillow raises on damage."""
    pieces.check_jpeg(data)
    image = JpegImageFile(CountedReads(data, "segments"))
    several_scans = image.layers > 1 or "progressive" in image.info
    if several_scans and data.count(_START_OF_SCAN) > MAX_SCANS:
        raise UnreadableImage(f"this JPEG has more than {MAX_SCANS} scans")
    return image


def has_several_scans(image: JpegImageFile, data: bytes) -> bool:
    """Whether it may have more than one; a thumbnail inside it counts as one."""
    return "progressive" in image.info or data.count(_START_OF_SCAN) > 1
