"""What a DICOM file says of its samples (Image Pixel Module, PS3.3 C.7.6.3), and whether it fits together."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference_api.imaging.dicom.numbers import called, lacks, texts, whole
from inference_api.imaging.dicom.syntaxes import BIG_ENDIAN, JPEG, JPEG_2000, RLE
from inference_api.imaging.unreadable import UnreadableImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_GREY = frozenset({"MONOCHROME1", "MONOCHROME2"})
_COLOUR = frozenset({"RGB", "YBR_FULL", "YBR_FULL_422"})
_JPEG_2000_COLOUR = frozenset({"YBR_RCT", "YBR_ICT"})
# Defined by the standard, and not read.
_OTHERS = frozenset({"YBR_PARTIAL_422", "YBR_PARTIAL_420", "HSV", "ARGB", "CMYK", "XYB"})
_PALETTE = "PALETTE COLOR"

_BITS_ALLOCATED = (1, 8, 16, 32, 64)
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


@dataclass(frozen=True, slots=True)
class Layout:
    """The samples of one frame. `stored_bits` and `high_bit` are those of whole numbers; None for floating point."""

    columns: int
    rows: int
    channels: int
    photometric: str
    allocated_bits: int
    stored_bits: int | None
    high_bit: int | None
    is_signed: bool

    @property
    def is_palette(self) -> bool:
        """Whether the samples are places in a table of colours."""
        return self.photometric == _PALETTE


def settle_layout(header: "Dataset", syntax: str) -> Layout:
    """Reads the layout, and writes it into the header as the decoders expect it.

    Raises UnreadableImage, which names what is missing or does not fit.
    """
    if not any(name in header for name in _PIXELS):
        raise UnreadableImage("this DICOM file holds no pixels")
    layout = _layout(header, syntax)
    header.SamplesPerPixel, header.PhotometricInterpretation = layout.channels, layout.photometric
    header.NumberOfFrames = _frames(header, syntax)
    if layout.channels == 3:
        header.PlanarConfiguration = _planar(header, syntax)
    return layout


def _layout(header: "Dataset", syntax: str) -> Layout:
    rows, columns = (_one_of(header, keyword, range(1, 65536)) for keyword in ("Rows", "Columns"))
    channels = _one_of(header, "SamplesPerPixel", (1, 3))
    allocated = _one_of(header, "BitsAllocated", _BITS_ALLOCATED)
    photometric = _photometric(header, syntax, channels)
    if "PixelData" not in header:
        return Layout(columns, rows, channels, photometric, allocated, None, None, True)
    stored, high = _stored(header, allocated)
    if channels == 3 and stored > 8:
        raise UnreadableImage("this file is 16-bit colour; send 8-bit colour or 16-bit grey")
    if channels == 3 and allocated != 8 and syntax not in JPEG | JPEG_2000:
        raise _unfit("BitsAllocated", "has a value that is not read in colour")
    if syntax == BIG_ENDIAN and allocated > 16:
        raise _unfit("BitsAllocated", "is over 16, which is not read in the transfer syntax Explicit VR Big Endian")
    signed = _one_of(header, "PixelRepresentation", (0, 1))
    return Layout(columns, rows, channels, photometric, allocated, stored, high, signed == 1)


def _stored(header: "Dataset", allocated: int) -> tuple[int, int]:
    """Bits Stored and High Bit (PS3.5 section 8.1.1)."""
    stored = _one_of(header, "BitsStored", range(1, 65))
    if stored > allocated:
        raise _unfit("BitsStored", f"is larger than {called('BitsAllocated')}")
    high = whole(header, "HighBit")
    if high is None:
        high = stored - 1
    if not stored - 1 <= high < allocated:
        raise _unfit("HighBit", f"does not fit {called('BitsStored')} and {called('BitsAllocated')}")
    return stored, high


def _photometric(header: "Dataset", syntax: str, channels: int) -> str:
    values = texts(header, "PhotometricInterpretation")
    found = values[0].upper() if values else ""
    if not found:
        raise lacks("PhotometricInterpretation")
    colours = _COLOUR | (_JPEG_2000_COLOUR if syntax in JPEG_2000 else frozenset())
    if found in _OTHERS | _JPEG_2000_COLOUR - colours:
        raise _unfit("PhotometricInterpretation", f"{found} is not read in this transfer syntax")
    if found not in _GREY | {_PALETTE} | colours:
        raise _unfit("PhotometricInterpretation", "has a value that is not read")
    if channels != (3 if found in colours else 1):
        raise _unfit("SamplesPerPixel", f"does not fit {called('PhotometricInterpretation')}")
    return found


def _frames(header: "Dataset", syntax: str) -> int:
    """How many; the first one begins where the pixels do, unless they are compressed."""
    try:
        return max(1, whole(header, "NumberOfFrames") or 1)
    except UnreadableImage:
        if syntax in JPEG | JPEG_2000 | {RLE}:
            raise
        return 1


def _planar(header: "Dataset", syntax: str) -> int:
    """Compressed frames say it themselves (PS3.5 section 8.2), and run-length coding has one plane after the other."""
    if syntax in JPEG | JPEG_2000 | {RLE}:
        return 0
    return _one_of(header, "PlanarConfiguration", (0, 1))


def _one_of(header: "Dataset", keyword: str, allowed: Collection[int]) -> int:
    found = whole(header, keyword)
    if found is None:
        raise lacks(keyword)
    if found not in allowed:
        raise _unfit(keyword, "has a value that is not read")
    return found


def _unfit(keyword: str, how: str) -> UnreadableImage:
    return UnreadableImage(f"{called(keyword)} of this DICOM file {how}")
