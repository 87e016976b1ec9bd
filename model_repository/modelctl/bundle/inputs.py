"""What a model is for: which files it takes, by what they say of themselves. docs/contracts.md has the fields."""

import re
from dataclasses import dataclass
from typing import Any

from modelctl.bundle import fields
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.fields import Json

# Member of `inputs` -> field of Inputs.
LISTS = {
    "modality": "modality",
    "photometricInterpretation": "photometric_interpretation",
    "bodyPart": "body_part",
    "orientation": "orientation",
}
PLANES = ("axial", "coronal", "sagittal")
MAX_VALUES = 32
MAX_SIDE = 65_535
# The value representation CS, DICOM PS3.5 section 6.2.
_CODE = re.compile(r"[A-Z0-9_](?:[A-Z0-9_ ]{0,14}[A-Z0-9_])?")


@dataclass(frozen=True)
class Inputs:
    """Values that a file may have; an empty tuple: any. `smallest_size`: height and width in pixels.

    `orientation`: planes, or view positions of DICOM. `required`: members of LISTS that a file must state.
    """

    modality: tuple[str, ...] = ()
    photometric_interpretation: tuple[str, ...] = ()
    body_part: tuple[str, ...] = ()
    orientation: tuple[str, ...] = ()
    smallest_size: tuple[int, int] | None = None
    required: tuple[str, ...] = ()


def parse(document: Json) -> Inputs | None:
    """Reads `inputs` of `document`; None where it is left out. Raises InvalidBundle naming the field that is wrong."""
    if document.get("inputs") is None:
        return None
    value = fields.an_object(document, "inputs")
    for name in value:
        if name not in (*LISTS, "smallestSize", "required"):
            known = ", ".join((*LISTS, "smallestSize", "required"))
            raise InvalidBundle(f"inputs.{ascii(name)[1:-1][:40]} is not known; write {known}")
    lists = {field: _codes(value, name) for name, field in LISTS.items()}
    return Inputs(**lists, smallest_size=_size(value), required=_required(value))


def to_json(inputs: Inputs) -> dict[str, Any]:
    """The object that `parse` reads back to an equal value."""
    size = inputs.smallest_size
    return {
        **{name: list(getattr(inputs, field)) for name, field in LISTS.items() if getattr(inputs, field)},
        **({"smallestSize": list(size)} if size else {}),
        **({"required": list(inputs.required)} if inputs.required else {}),
    }


def _codes(value: Json, name: str) -> tuple[str, ...]:
    codes = value.get(name)
    if codes is None:
        return ()
    if not isinstance(codes, list) or not 0 < len(codes) <= MAX_VALUES or len(set(map(str, codes))) != len(codes):
        raise InvalidBundle(f"inputs.{name} must be a list of 1 to {MAX_VALUES} different values; leave it out for any")
    for i, code in enumerate(codes):
        is_plane = name == "orientation" and code in PLANES
        if not is_plane and not (isinstance(code, str) and _CODE.fullmatch(code)):
            planes = f"{', '.join(PLANES)}, or " if name == "orientation" else ""
            raise InvalidBundle(f"inputs.{name}[{i}] must be {planes}1 to 16 of A-Z, 0-9, '_' and blank, as in DICOM")
    return tuple(codes)


def _size(value: Json) -> tuple[int, int] | None:
    size = value.get("smallestSize")
    if size is None:
        return None
    sides = [side for side in size if type(side) is int and 1 <= side <= MAX_SIDE] if isinstance(size, list) else []
    if len(sides) != 2 or len(size) != 2:
        raise InvalidBundle(f"inputs.smallestSize must be [height, width] in pixels, each from 1 to {MAX_SIDE}")
    return sides[0], sides[1]


def _required(value: Json) -> tuple[str, ...]:
    names = value.get("required")
    if names is None:
        return ()
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise InvalidBundle(f"inputs.required must be a list of different names out of {', '.join(LISTS)}")
    for i, name in enumerate(names):
        if name not in LISTS or not value.get(name):
            raise InvalidBundle(f"inputs.required[{i}] must be one of {', '.join(LISTS)} that has values in inputs")
    return tuple(names)
