"""What a version is for: which files it takes. The bundle says it, and the routes document passes it on."""

import re
from dataclasses import dataclass

# Member of `inputs` -> field of Inputs.
LISTS = {
    "modality": "modality",
    "photometricInterpretation": "photometric_interpretation",
    "bodyPart": "body_part",
    "orientation": "orientation",
}
_MEMBERS = (*LISTS, "smallestSize", "required")
PLANES = ("axial", "coronal", "sagittal")
MAX_VALUES = 32
MAX_SIDE = 65_535
# The value representation CS, DICOM PS3.5 section 6.2.
_CODE = re.compile(r"[A-Z0-9_](?:[A-Z0-9_ ]{0,14}[A-Z0-9_])?")


@dataclass(frozen=True, slots=True)
class Inputs:
    """Values that a file may have; empty: any. `smallest_size`: height and width in pixels.

    `orientation`: planes, or view positions of DICOM. `required`: members of LISTS that a file must state.
    """

    modality: tuple[str, ...] = ()
    photometric_interpretation: tuple[str, ...] = ()
    body_part: tuple[str, ...] = ()
    orientation: tuple[str, ...] = ()
    smallest_size: tuple[int, int] = (1, 1)
    required: tuple[str, ...] = ()


def parse(value: object, where: str) -> Inputs | None:
    """Reads an untrusted document; None where there is none: any file. Raises ValueError, which names the field.

    A field that is not known is an error, as ignoring it would let files in that the version is not for.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError(f"{where} must be an object, or be left out")
    for name in value:
        if name not in _MEMBERS:
            raise ValueError(f"{where}.{str(name)[:40]} is not known; write {', '.join(_MEMBERS)}")
    lists = {field: _codes(value.get(name), f"{where}.{name}") for name, field in LISTS.items()}
    required = _required(value.get("required"), value, f"{where}.required")
    return Inputs(**lists, smallest_size=_size(value.get("smallestSize"), f"{where}.smallestSize"), required=required)


def _codes(value: object, where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not 0 < len(value) <= MAX_VALUES or len(set(map(str, value))) != len(value):
        raise ValueError(f"{where} must be a list of 1 to {MAX_VALUES} different values; leave it out for any")
    for index, code in enumerate(value):
        planes = PLANES if where.endswith(".orientation") else ()
        if code not in planes and not (isinstance(code, str) and _CODE.fullmatch(code)):
            named = f"{', '.join(planes)}, or " if planes else ""
            raise ValueError(f"{where}[{index}] must be {named}1 to 16 of A-Z, 0-9, '_' and blank, as in DICOM")
    return tuple(value)


def _size(value: object, where: str) -> tuple[int, int]:
    if value is None:
        return 1, 1
    sides = [side for side in value if type(side) is int and 1 <= side <= MAX_SIDE] if isinstance(value, list) else []
    if not isinstance(value, list) or len(value) != 2 or len(sides) != 2:
        raise ValueError(f"{where} must be [height, width] in pixels, each from 1 to {MAX_SIDE}")
    return sides[0], sides[1]


def _required(value: object, inputs: dict[str, object], where: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{where} must be a list of names out of {', '.join(LISTS)}")
    for name in value:
        if name not in LISTS or not inputs.get(name):
            raise ValueError(f"{where} names {name[:40]!r}; write one of {', '.join(LISTS)} that has values")
    return tuple(value)
