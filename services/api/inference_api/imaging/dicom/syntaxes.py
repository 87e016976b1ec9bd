"""The transfer syntaxes of DICOM files that are read, and how the others are refused. PS3.5 section 10 and annex A."""

from typing import TYPE_CHECKING

from inference_api.imaging.dicom.numbers import lacks
from inference_api.imaging.unreadable import UnreadableImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
JPEG = frozenset({"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"})
JPEG_2000 = frozenset({"1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91"})

READ = frozenset({IMPLICIT, EXPLICIT, BIG_ENDIAN, RLE}) | JPEG | JPEG_2000

# Younger than pydicom's list.
_YOUNG = {
    "1.2.840.10008.1.2.1.98": "Encapsulated Uncompressed Explicit VR Little Endian",
    "1.2.840.10008.1.2.4.110": "JPEG XL Lossless",
    "1.2.840.10008.1.2.4.111": "JPEG XL JPEG Recompression",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.8.1": "Deflated Image Frame Compression",
}

_UNDEFINED_LENGTH = 0xFFFFFFFF


def settle_syntax(header: "Dataset") -> str:
    """The transfer syntax. Where an old file does not say it, what the file looks like is written into its header.

    Raises UnreadableImage, which names the transfer syntax, when it is not read.
    """
    stated = str(header.file_meta.get("TransferSyntaxUID") or "").strip(" \0")
    syntax = stated or _seen(header)
    if syntax not in READ:
        raise UnreadableImage(f"the DICOM transfer syntax {_name(syntax)} is not")
    from pydicom.uid import UID

    header.file_meta.TransferSyntaxUID = UID(syntax)
    return syntax


def coding(syntax: str) -> str:
    """The word of decode_memory's rows."""
    if syntax == RLE:
        return "RLE"
    if syntax in JPEG:
        return "JPEG"
    return "JPEG2000" if syntax in JPEG_2000 else "native"


def _seen(header: "Dataset") -> str:
    """The uncompressed syntax in which the elements were read."""
    pixels = header.get_item(0x7FE00010)
    if pixels is not None and getattr(pixels, "length", 0) == _UNDEFINED_LENGTH:
        raise lacks("TransferSyntaxUID")
    is_implicit, is_little = header.original_encoding
    return IMPLICIT if is_implicit else EXPLICIT if is_little else BIG_ENDIAN


def _name(syntax: str) -> str:
    """As the standard has it; a UID that it does not know may be of anything."""
    from pydicom.uid import UID

    if syntax in _YOUNG:
        return _YOUNG[syntax]
    name = UID(syntax).name
    return name if name != syntax else "of this file, which DICOM does not define,"
