"""DICOM files: their pixels, and the study that they belong to. Nothing else in the header is read, kept or logged.

pydicom is imported inside the functions, because that takes a third of a second: see prediction/warmup.py.
"""

import io
import logging
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from inference_api.imaging.admit import Admit
from inference_api.imaging.bands import map_bands
from inference_api.imaging.counted_reads import CountedReads
from inference_api.imaging.intensity import HighPixels, VoiFunction, VoiTable, VoiWindow
from inference_api.imaging.jpegs import open_jpeg
from inference_api.imaging.unreadable import UnreadableImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Each element costs parsing time. These bound the reads until the study is found, and those of a whole file, which may
# have thousands of frames.
MAX_STUDY_READS = 5_000
MAX_READS = 200_000

# Run-length coding is decoded in Python, and may expand 64 times.
MAX_RLE_FRAME_BYTES = 4 * 2**20

_STUDY = 0x0020000D
_RLE = "1.2.840.10008.1.2.5"
_JPEG = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})

_PIXEL_TAGS = [
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor"),
    *("BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData"),
    *("GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData"),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData"),
]


def is_dicom(data: bytes) -> bool:
    """Whether the file has DICOM's magic word (PS3.10 section 7.1)."""
    return data[128:132] == b"DICM"


def study_uid(data: bytes) -> str | None:
    """The StudyInstanceUID, so that one study stays on one version; None when there is none, or it cannot be read."""
    if not is_dicom(data):
        return None
    try:
        study = _parse(data, ["StudyInstanceUID"], MAX_STUDY_READS, last=_STUDY).get("StudyInstanceUID")
    except Exception:  # decoding, which comes next, says what is wrong with the file
        return None
    return str(study) if study else None


def read(data: bytes, admit: Admit) -> HighPixels | Image.Image:
    """The first frame: intensities after the rescale slope or modality table, or an 8-bit colour image.

    `admit` is called before anything is decompressed.
    Raises UnreadableImage, what `admit` raises, and anything that pydicom raises on a damaged file.
    """
    header = _parse(data, _PIXEL_TAGS, MAX_READS)
    if "Rows" not in header or "Columns" not in header:
        raise UnreadableImage("this DICOM file holds no pixels")
    admit(_kind(header), int(header.Columns), int(header.Rows))
    _check_frame(header, admit)
    frame = _decode_frame(header)
    _merge_functional_groups(header)
    if header.SamplesPerPixel == 3 or header.PhotometricInterpretation == "PALETTE COLOR":
        return _colour(frame, header)
    return _grey(frame, header)


def _parse(data: bytes, keywords: list[str], max_reads: int, last: int = 0xFFFFFFFF) -> "Dataset":
    """Reads the named elements only, up to the tag `last`; elements are sorted by tag (PS3.5 section 7.1)."""
    from pydicom.datadict import tag_for_keyword
    from pydicom.filereader import read_partial

    _silence()
    tags = [tag for tag in map(tag_for_keyword, keywords) if tag is not None]
    return read_partial(_BoundedFile(data, max_reads), lambda tag, vr, length: tag > last, specific_tags=tags)


class _BoundedFile(io.BytesIO):
    """Bounds what a hostile file can cost by millions of tiny elements, or by a deflated bomb.

    pydicom reads to the end of a file only to inflate it.
    """

    def __init__(self, data: bytes, max_reads: int) -> None:
        super().__init__(data)
        self._reads_left = max_reads

    def read(self, size: int | None = -1) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise UnreadableImage("this DICOM file has too many elements")
        if size is None or size < 0:
            raise UnreadableImage("this DICOM file is deflated as a whole; send it in another transfer syntax")
        return super().read(size)


def _silence() -> None:
    """Silences pydicom: its log lines and warnings quote values of the header, which may name a patient."""
    import pydicom

    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    logging.getLogger("pydicom").disabled = True
    warnings.filterwarnings("ignore", module="pydicom")


def _kind(header: "Dataset") -> str:
    """The row of decode_memory that the file's header asks for."""
    syntax = header.file_meta.TransferSyntaxUID
    coding = "JPEG2000" if syntax.is_compressed else "native"
    coding = "RLE" if syntax == _RLE else "JPEG" if syntax in _JPEG else coding
    if header.SamplesPerPixel != 1:
        return f"DICOM {coding} colour"
    if header.PhotometricInterpretation == "PALETTE COLOR":
        return f"DICOM {coding} palette"
    return f"DICOM {coding} {'deep' if header.BitsAllocated > 16 else 'grey'}"


def _check_frame(header: "Dataset", admit: Admit) -> None:
    """Checks a compressed frame, whose own header may state another size and more channels than the file's."""
    from pydicom.encaps import get_frame

    syntax = header.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        return
    frame = get_frame(header.PixelData, 0, number_of_frames=int(header.get("NumberOfFrames") or 1))
    if syntax == _RLE:
        if len(frame) > MAX_RLE_FRAME_BYTES:
            raise UnreadableImage(f"this DICOM frame is run-length coded in over {MAX_RLE_FRAME_BYTES:,} bytes")
        return
    try:
        image = open_jpeg(frame) if syntax in _JPEG else Jpeg2KImageFile(CountedReads(frame, "boxes"))
    except SyntaxError as error:
        raise UnreadableImage(f"the DICOM transfer syntax {syntax.name} is not") from error
    is_grey = image.mode in ("L", "I;16")
    admit(_kind(header) if is_grey else f"DICOM {'JPEG' if syntax in _JPEG else 'JPEG2000'} colour", *image.size)


def _decode_frame(header: "Dataset") -> np.ndarray[Any, np.dtype[Any]]:
    from pydicom.pixels.utils import pixel_array

    return pixel_array(header, index=0)


def _merge_functional_groups(header: "Dataset") -> None:
    """Enhanced multi-frame files keep rescale and window per frame (PS3.3 C.7.6.16.2.9 and C.7.6.16.2.10)."""
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for group in (header.get(groups) or [])[:1]:
                for item in (group.get(name) or [])[:1]:
                    header.update(item)


def _grey(frame: np.ndarray[Any, np.dtype[Any]], header: "Dataset") -> HighPixels:
    from pydicom.pixels.processing import apply_modality_lut

    rescale = None
    if header.get("ModalityLUTSequence"):
        frame = map_bands(lambda samples: apply_modality_lut(samples, header), frame)
    elif "RescaleSlope" in header and "RescaleIntercept" in header:
        rescale = float(header.RescaleSlope), float(header.RescaleIntercept)
    inverted = header.PhotometricInterpretation == "MONOCHROME1"
    return HighPixels(frame, _voi(header), inverted, rescale)


def _colour(frame: np.ndarray[Any, np.dtype[Any]], header: "Dataset") -> Image.Image:
    from pydicom.pixels.processing import apply_color_lut

    if header.PhotometricInterpretation == "PALETTE COLOR":
        frame = map_bands(lambda samples: _high_bytes(apply_color_lut(samples, header)), frame)
    if frame.dtype != np.uint8:
        raise UnreadableImage("this file is 16-bit colour; send 8-bit colour or 16-bit grey")
    return Image.fromarray(frame)


def _high_bytes(samples: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[Any]]:
    return samples if samples.itemsize == 1 else (samples >> 8).astype(np.uint8)


def _voi(header: "Dataset") -> VoiWindow | VoiTable | None:
    if header.get("VOILUTSequence"):
        return _table(header.VOILUTSequence[0])
    center, width = _first(header.get("WindowCenter")), _first(header.get("WindowWidth"))
    if center is None or width is None or not width > 0:
        return None
    function = str(header.get("VOILUTFunction") or "LINEAR").upper()
    known = function in VoiFunction.__members__
    return VoiWindow(center, width, VoiFunction(function) if known else VoiFunction.LINEAR)


def _table(item: "Dataset") -> VoiTable | None:
    """A VOI LUT item (PS3.3 C.11.2.1.1): descriptor is entries, first mapped intensity, bits per entry."""
    _, first, bits = item.LUTDescriptor
    data = item.LUTData
    entries = np.frombuffer(data, "<u2") if isinstance(data, bytes) else np.asarray(data, np.int64)
    if not entries.size:
        return None
    return VoiTable(int(first), np.rint(entries * (255.0 / (2 ** int(bits) - 1))).clip(0, 255).astype(np.uint8))


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    return float(value[0] if hasattr(value, "__getitem__") else value)
