"""Opens a JPEG, alone or inside a DICOM file, unless decoding it would cost too much."""

from PIL.JpegImagePlugin import JpegImageFile

from inference_api.imaging import pieces
from inference_api.imaging.counted_reads import CountedReads
from inference_api.imaging.unreadable import UnreadableImage

# Each scan of a progressive JPEG passes over the whole image; encoders write about ten.
MAX_SCANS = 50

_START_OF_SCAN = b"\xff\xda"
_COMPONENTS = 4  # where a scan's header says how many it has, from the marker on: ITU T.81 section B.2.3


def open_jpeg(data: bytes) -> JpegImageFile:
    """Reads the header only. Raises UnreadableImage for too many scans, and whatever Pillow raises on damage."""
    pieces.first_scan(data)
    image = JpegImageFile(CountedReads(data, "segments"))
    if has_several_scans(image, data) and data.count(_START_OF_SCAN) > MAX_SCANS:
        raise UnreadableImage(f"this JPEG has more than {MAX_SCANS} scans")
    return image


def has_several_scans(image: JpegImageFile, data: bytes) -> bool:
    """Whether it may have more than one, by the rule of libjpeg: it is progressive, or the first lacks components.

    To look for the markers of scans would take a tenth of the time of decoding.
    """
    scan = pieces.first_scan(data)
    if scan is None or "progressive" in image.info:
        return True
    return int.from_bytes(data[scan + _COMPONENTS : scan + _COMPONENTS + 1]) < image.layers
