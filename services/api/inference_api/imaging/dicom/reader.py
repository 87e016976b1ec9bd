"""DICOM files: their pixels, and the study that they belong to. Nothing else in the header is read, kept or logged.

pydicom is imported inside the functions, because that takes a third of a second: see prediction/warmup.py.
"""

from typing import TYPE_CHECKING

from PIL import Image

from inference_api.imaging.admit import Admit
from inference_api.imaging.dicom import frames
from inference_api.imaging.dicom.colours import colour
from inference_api.imaging.dicom.greys import grey
from inference_api.imaging.dicom.layout import settle_layout
from inference_api.imaging.dicom.parser import is_dicom, parse
from inference_api.imaging.dicom.syntaxes import settle_syntax
from inference_api.imaging.high_pixels import HighPixels

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# Each element costs parsing time. These bound the reads until the study is found, and those of a whole file, which may
# have thousands of frames.
MAX_STUDY_READS = 5_000
MAX_READS = 200_000

_STUDY = 0x0020000D

_PIXEL_TAGS = [
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "NumberOfFrames", "Rows", "Columns"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    *("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
    *("RescaleSlope", "RescaleIntercept", "ModalityLUTSequence"),
    *("WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"),
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("RedPaletteColorLookupTableDescriptor", "GreenPaletteColorLookupTableDescriptor"),
    *("BluePaletteColorLookupTableDescriptor", "RedPaletteColorLookupTableData"),
    *("GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData"),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
    *("PixelData", "FloatPixelData", "DoubleFloatPixelData"),
]


def study_uid(data: bytes) -> str | None:
    """The StudyInstanceUID, so that one study stays on one version; None when there is none, or it cannot be read."""
    if not is_dicom(data):
        return None
    try:
        study = parse(data, ["StudyInstanceUID"], MAX_STUDY_READS, last=_STUDY).get("StudyInstanceUID")
    except Exception:  # decoding, which comes next, says what is wrong with the file
        return None
    return str(study) if study else None


def read(data: bytes, admit: Admit) -> HighPixels | Image.Image:
    """The first frame: intensities after the rescale slope or modality table, or an 8-bit colour image.

    `admit` is called before anything is decompressed.
    Raises UnreadableImage, what `admit` raises, and anything that pydicom raises on a damaged file.
    """
    header = parse(data, _PIXEL_TAGS, MAX_READS)
    syntax = settle_syntax(header)
    layout = settle_layout(header, syntax)
    admit(frames.kind(layout, syntax), layout.columns, layout.rows)
    frames.check(header, layout, syntax, admit)
    frame = frames.decode(header, layout, syntax)
    if layout.channels == 3 or layout.is_palette:
        return colour(frame, header, layout, syntax)
    _merge_functional_groups(header)
    return grey(frame, header, layout, syntax)


def _merge_functional_groups(header: "Dataset") -> None:
    """Enhanced multi-frame files keep rescale and window per frame (PS3.3 C.7.6.16.2.9 and C.7.6.16.2.10)."""
    for groups in ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"):
        for name in ("PixelValueTransformationSequence", "FrameVOILUTSequence"):
            for group in (header.get(groups) or [])[:1]:
                for item in (group.get(name) or [])[:1]:
                    header.update(item)
