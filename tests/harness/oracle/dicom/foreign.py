"""What DCMTK and GDCM show of DICOM files whose header only the file itself tells."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from tests.harness.oracle.case import Twin
from tests.harness.oracle.dicom import ps33, show
from tests.harness.oracle.dicom.colours import Colour
from tests.harness.oracle.dicom.greys import Grey

_CODINGS = {
    "1.2.840.10008.1.2.4.50": "JPEG",
    "1.2.840.10008.1.2.4.51": "JPEG",
    "1.2.840.10008.1.2.4.57": "JPEG",
    "1.2.840.10008.1.2.4.70": "JPEG",
    "1.2.840.10008.1.2.4.80": "JPEG-LS",
    "1.2.840.10008.1.2.4.81": "JPEG-LS",
    "1.2.840.10008.1.2.4.90": "J2K",
    "1.2.840.10008.1.2.4.91": "J2K",
}
_TEXTS = (0x00281050, 0x00281051, 0x00281052, 0x00281053, 0x00281056)


def pictures(twins: Sequence[Twin], folder: Path) -> list[dict[str, NDArray[Any]]]:
    path = folder / "foreign"
    known = []
    for twin in twins:
        path.write_bytes(twin.data)
        known.append(_known(path))
    path.unlink()
    sound = [Twin(twin.data, one) for twin, one in zip(twins, known, strict=True) if one is not None]
    shown = iter(show.pictures(sound, folder))
    return [{} if one is None else next(shown) for one in known]


def _known(path: Path) -> Grey | Colour | None:
    """None: there are no pixels."""
    header = pydicom.dcmread(path, force=True, stop_before_pixels=False)
    if "Rows" not in header or "BitsAllocated" not in header or "BitsStored" not in header:
        return None
    syntax = str(getattr(header.file_meta, "TransferSyntaxUID", ""))
    shape, word_bytes = (int(header.Rows), int(header.Columns)), int(header.BitsAllocated) // 8
    coding = _CODINGS.get(syntax, syntax)
    photometric = str(header.PhotometricInterpretation)
    if header.SamplesPerPixel == 3 or photometric == "PALETTE COLOR":
        return Colour(coding, photometric, shape if photometric == "PALETTE COLOR" else (*shape, 3), word_bytes)
    return Grey(coding, ps33.meaning(_elements(header)), shape, word_bytes)


def _elements(header: Dataset) -> dict[int, Any]:
    elements: dict[int, Any] = {
        0x00280004: ("CS", str(header.PhotometricInterpretation)),
        0x00280101: ("US", int(header.BitsStored)),
        0x00280102: ("US", int(header.HighBit)),
        0x00280103: ("US", int(header.PixelRepresentation)),
    }
    for tag in (0x00280120, 0x00280121):
        if tag in header and isinstance(header[tag].value, int):
            elements[tag] = ("US", header[tag].value)
    for tag in _TEXTS:
        value = header[tag].value if tag in header else None
        if value is not None:
            elements[tag] = ("DS", str(value[0] if isinstance(value, pydicom.multival.MultiValue) else value))
    for tag in (0x00283000, 0x00283010):
        if header.get(tag) is not None and header[tag].value:
            elements[tag] = ("SQ", b"")
    return elements
