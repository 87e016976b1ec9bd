"""What a DICOM file says of what it shows: modality, body part and orientation. Values are compared, never told."""

from typing import TYPE_CHECKING

from inference_api.imaging.dicom.numbers import number, texts
from inference_api.imaging.dicom.parser import parse

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MAX_READS = 200_000
_ORIENTATION = "ImageOrientationPatient"
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_TAGS = ["Modality", "BodyPartExamined", "ViewPosition", _ORIENTATION, "PhotometricInterpretation", *_GROUPS]
_CODES = {
    "modality": "Modality",
    "photometricInterpretation": "PhotometricInterpretation",
    "bodyPart": "BodyPartExamined",
}
# By the axis along which one looks: x goes to the patient's left, y to the back, z to the head (PS3.3 C.7.6.2.1.1).
_PLANES = ("sagittal", "coronal", "axial")


def read(data: bytes) -> dict[str, list[str]]:
    """What the file states of `inputs.LISTS`, in capitals, planes in small letters. What it leaves out is left out.

    Of an enhanced multi-frame file the first frame's plane. What cannot be read is as if it were left out.
    """
    try:
        header = parse(data, _TAGS, _MAX_READS)
        stated = {name: _values(header, keyword) for name, keyword in _CODES.items()}
        return {name: values for name, values in (stated | {"orientation": _orientation(header)}).items() if values}
    except Exception:  # pydicom raises anything on untrusted bytes; the pixels were decoded all the same
        return {}


def _values(header: "Dataset", keyword: str) -> list[str]:
    return [value.upper() for value in texts(header, keyword) if value]


def _orientation(header: "Dataset") -> list[str]:
    for item in (header, *_first_frame(header)):
        plane = _plane([number(value) for value in texts(item, _ORIENTATION)])
        if plane:
            return [plane]
    return _values(header, "ViewPosition")


def _first_frame(header: "Dataset") -> list["Dataset"]:
    """Enhanced multi-frame files keep the plane in functional groups (PS3.3 C.7.6.16.2.4)."""
    groups = [group for name in _GROUPS for group in (header.get(name) or [])[:1]]
    return [item for group in groups for item in (group.get("PlaneOrientationSequence") or [])[:1]]


def _plane(cosines: list[float | None]) -> str:
    """The plane of rows and columns to which an oblique one comes closest; empty if it cannot be read."""
    known = [one for one in cosines if one is not None]
    if len(known) != 6 or len(cosines) != 6:
        return ""
    (a, b, c), (d, e, f) = known[:3], known[3:]
    normal = [abs(b * f - c * e), abs(c * d - a * f), abs(a * e - b * d)]
    return _PLANES[normal.index(max(normal))] if max(normal) > 0 else ""
