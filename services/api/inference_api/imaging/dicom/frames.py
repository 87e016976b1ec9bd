"""The first frame of a DICOM file: checked before it is decompressed, and decoded to stored values."""

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ImageFile

from inference_api.imaging.admit import Admit
from inference_api.imaging.bands import map_bands
from inference_api.imaging.dicom import codestreams, openjpeg
from inference_api.imaging.dicom.layout import Layout
from inference_api.imaging.dicom.numbers import called, lacks
from inference_api.imaging.dicom.syntaxes import JPEG, JPEG_2000, RLE, coding
from inference_api.imaging.jpegs import DeepJpeg, open_jpeg
from inference_api.imaging.unreadable import UnreadableImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Run-length coding is decoded in Python, and may expand 64 times.
MAX_RLE_FRAME_BYTES = 4 * 2**20

Frame = np.ndarray[Any, np.dtype[Any]]


def kind(layout: Layout, syntax: str) -> str:
    """The row of decode_memory that the file's header asks for."""
    if layout.channels != 1:
        return f"DICOM {coding(syntax)} colour"
    if layout.is_palette:
        return f"DICOM {coding(syntax)} palette"
    return f"DICOM {coding(syntax)} {'deep' if layout.allocated_bits > 16 else 'grey'}"


def check(header: "Dataset", layout: Layout, syntax: str, admit: Admit) -> None:
    """Checks a compressed frame, whose own header may state another size and more channels than the file's."""
    if syntax not in JPEG | JPEG_2000 | {RLE}:
        return
    frame = _compressed(header)
    if syntax == RLE:
        if len(frame) > MAX_RLE_FRAME_BYTES:
            raise UnreadableImage(f"this DICOM frame is run-length coded in over {MAX_RLE_FRAME_BYTES:,} bytes")
        return
    if layout.high_bit is None or layout.stored_bits != layout.high_bit + 1:
        raise UnreadableImage(f"{called('HighBit')} of this DICOM file does not fit {called('BitsStored')}")
    image = _open_jpeg(frame, header, layout) if syntax in JPEG else openjpeg.open_header(frame)
    is_grey = image.mode in ("L", "I;16")
    seen = kind(layout, syntax) if is_grey else f"DICOM {coding(syntax)} colour"
    admit(seen, *image.size)
    if syntax in JPEG_2000:
        admit(seen, *image.size, codestreams.structure_bytes(frame))


def decode(header: "Dataset", layout: Layout, syntax: str) -> Frame:
    """Samples [rows, columns] or [rows, columns, 3]; colour is RGB.

    Those of a frame that is not JPEG or JPEG 2000 have all their allocated bits: see `stored`.
    """
    from pydicom.pixels.utils import pixel_array

    if syntax not in JPEG | JPEG_2000 | {RLE}:
        _check_length(header, layout)
    if syntax not in JPEG | JPEG_2000 and layout.stored_bits is not None:
        header.BitsStored, header.HighBit = layout.allocated_bits, layout.allocated_bits - 1
    try:
        return pixel_array(header, index=0, decoding_plugin=_plugin(syntax))
    except Exception as error:  # pydicom and the decoders raise anything on untrusted bytes
        name = header.file_meta.TransferSyntaxUID.name
        words = f"the first frame of this DICOM file, in the transfer syntax {name}, cannot be decoded"
        raise UnreadableImage(words) from error


def _plugin(syntax: str) -> str:
    if syntax not in JPEG_2000 | {RLE}:
        return ""
    from inference_api.imaging.dicom import jpeg2000, rle

    return rle.NAME if syntax == RLE else jpeg2000.NAME


def stored(frame: Frame, layout: Layout, syntax: str) -> Frame:
    """The stored values: of each sample the bits from the high bit downwards (PS3.5 section 8.1.1)."""
    if layout.stored_bits is None or layout.high_bit is None or syntax in JPEG | JPEG_2000:
        return frame
    up, down = layout.allocated_bits - 1 - layout.high_bit, layout.allocated_bits - layout.stored_bits
    return frame if not down else map_bands(lambda samples: samples << up >> down, frame)


def _compressed(header: "Dataset") -> bytes:
    from pydicom.encaps import get_frame

    if "PixelData" not in header:
        raise lacks("PixelData")
    return get_frame(header.PixelData, 0, number_of_frames=int(header.NumberOfFrames))


def _open_jpeg(frame: bytes, header: "Dataset", layout: Layout) -> ImageFile.ImageFile:
    """Whatever is allocated for them, the samples of this frame have 8 bits."""
    try:
        image = open_jpeg(frame)
    except DeepJpeg as error:
        name = header.file_meta.TransferSyntaxUID.name
        raise UnreadableImage(f"the DICOM transfer syntax {name} is not, with samples of 12 bits") from error
    if layout.stored_bits != 8:
        raise UnreadableImage(f"{called('BitsStored')} of this DICOM file does not fit its frame, which has 8 bits")
    header.BitsAllocated = 8
    return image


def _check_length(header: "Dataset", layout: Layout) -> None:
    bits = layout.rows * layout.columns * layout.channels * layout.allocated_bits
    if layout.photometric == "YBR_FULL_422":
        bits = bits * 2 // 3
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if keyword in header and len(header[keyword].value or b"") < (bits + 7) // 8:
            raise UnreadableImage(f"{called(keyword)} of this DICOM file is shorter than its rows and columns need")
