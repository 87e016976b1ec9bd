"""How much memory it takes to decode a file and to resize it, at the peak, known from its header.

`python -m ci.bench.decode_memory` measures the table, and fails when a row is too low; docs/benchmarks.md has its
numbers. A kind that is not in the table costs as much as the dearest one.
"""

from collections.abc import Mapping

from PIL import ImageFile

from inference_api.imaging.dicom.frames import MAX_RLE_FRAME_BYTES
from inference_api.imaging.jpegs import Jpeg
from inference_api.imaging.tiffs import Tiff

# Decoders copy the file: to read it in one piece, or to hand it to a library.
_FILE_COPIES = 2

# A resize first makes an image of the wanted columns and all rows, of 4 bytes a pixel at most.
_BYTES_PER_COLUMN = 4
_FIRST_COLUMNS = 224

# A band of rows as float64, several times, and the counts of 16-bit values.
_FIXED_BYTES = 6 * 2**20

# Run-length coding has at most 128 bytes for 2.
_RUN_LENGTH_GROWTH = 64

# Whole bytes for each pixel, rounded up from the measured ones.
BYTES_PER_PIXEL: Mapping[str, int] = {
    "JPEG L": 2,
    "JPEG RGB": 5,
    "JPEG CMYK": 9,
    # libjpeg keeps the coefficients of the whole image until the last scan.
    "JPEG L, several scans": 4,
    "JPEG RGB, several scans": 11,
    "JPEG CMYK, several scans": 13,
    "PNG 1": 3,
    "PNG L": 2,
    "PNG LA": 6,
    "PNG P": 6,
    "PNG RGB": 5,
    "PNG RGBA": 9,
    "PNG I;16": 7,
    # libwebp decodes every one as an animation, which has two canvases with alpha.
    "WEBP": 13,
    "BMP 1": 3,
    "BMP L": 2,
    "BMP P": 3,
    "BMP RGB": 5,
    "BMP RGBA": 9,
    "TIFF 1": 3,
    "TIFF L": 3,
    "TIFF I8": 5,
    "TIFF LA": 7,
    "TIFF P": 6,
    "TIFF RGB": 8,
    "TIFF RGBA": 9,
    "TIFF CMYK": 9,
    "TIFF RGBX": 9,
    "TIFF LAB": 9,
    "TIFF YCbCr": 9,
    "TIFF I;16": 7,
    "TIFF I;16B": 7,
    "TIFF I": 17,
    "TIFF F": 17,
    # Grey has 8 or 16 bits, deep grey more. Of colour, pydicom makes float32.
    "DICOM native grey": 7,
    "DICOM native deep": 21,
    "DICOM native palette": 12,
    "DICOM native colour": 32,
    "DICOM RLE grey": 7,
    "DICOM RLE deep": 21,
    "DICOM RLE palette": 12,
    "DICOM RLE colour": 32,
    "DICOM JPEG grey": 5,
    "DICOM JPEG colour": 29,
    "DICOM JPEG2000 grey": 9,
    "DICOM JPEG2000 palette": 11,
    "DICOM JPEG2000 colour": 33,
}
_DEAREST = max(BYTES_PER_PIXEL.values())


def of_pillow(image: ImageFile.ImageFile) -> str:
    """The kind of a file of which Pillow has read the header."""
    if isinstance(image, Tiff) and image.mode == "L" and image.samples.is_high:
        return "TIFF I8"
    several = isinstance(image, Jpeg) and image.has_several_scans
    return f"{image.format} {image.mode}" + (", several scans" if several else "")


def cost_bytes(kind: str, width: int, height: int, file_bytes: int, columns: int = _FIRST_COLUMNS) -> int:
    """The memory that decoding takes besides the file itself. `width` x `height` is what is decoded at once."""
    image = width * height * BYTES_PER_PIXEL.get(kind, _DEAREST) + height * columns * _BYTES_PER_COLUMN
    frame_bytes = min(file_bytes, MAX_RLE_FRAME_BYTES) if kind.startswith("DICOM RLE") else 0
    return _FIXED_BYTES + image + frame_bytes * _RUN_LENGTH_GROWTH + file_bytes * _FILE_COPIES
