"""An acceptance set: a hospital's own images with the findings that its people gave them. The file is untrusted.

It holds pixels, not tensors, so that it outlives versions: each version's own preprocessing makes its tensors of them.
"""

import io
import json
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.bundle import fields, zip_form
from modelctl.bundle.contract import parse_labels
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.fields import Json

SCHEMA_VERSION = 1
MAX_CASES = 256
MAX_SIDE = 4096
# The agent holds the file, its members and the pixels at the same time.
MAX_PIXEL_BYTES = 64 << 20
MAX_JSON_BYTES = 1 << 20
MAX_FILE_BYTES = MAX_PIXEL_BYTES + MAX_JSON_BYTES + (1 << 20)

_MEMBERS = ("cases.json", "pixels.npy")
_NPY_START_BYTES = 10
_MAX_NPY_HEADER_BYTES = 256
_UNREADABLE = (zlib.error, struct.error, OSError, ValueError)


@dataclass(frozen=True)
class Case:
    """`image`: uint8 [H, W] or [H, W, 3]. `labels`: what people saw in it; one label for a model that names one class.

    Of a model that names several findings, labels of the set that are not here are a no.
    """

    image: NDArray[np.uint8]
    labels: frozenset[str]


@dataclass(frozen=True)
class AcceptanceSet:
    """`labels`: those that are judged. `min_right`, `min_right_per_label`: shares of right answers from 0 to 1."""

    labels: tuple[str, ...]
    min_right: float
    min_right_per_label: float
    cases: tuple[Case, ...]


def dump(found: AcceptanceSet) -> bytes:
    """The bytes of the file; equal sets give equal bytes. Raises InvalidBundle."""
    document = {
        "schemaVersion": SCHEMA_VERSION,
        "labels": list(found.labels),
        "minRight": found.min_right,
        "minRightPerLabel": found.min_right_per_label,
        "cases": [_case_to_json(case) for case in found.cases],
    }
    pixels = np.concatenate([case.image.reshape(-1) for case in found.cases] or [np.zeros(0, np.uint8)])
    array = io.BytesIO()
    np.lib.format.write_array(array, pixels, version=(1, 0))
    text = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in zip(_MEMBERS, (text, array.getvalue()), strict=True):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    loads(out.getvalue())
    return out.getvalue()


def loads(data: bytes) -> AcceptanceSet:
    """Reads a file of at most MAX_FILE_BYTES; raises InvalidBundle naming what is wrong with it."""
    try:
        text, array = zip_form.members(data, _MEMBERS)
        document = fields.loads(zip_form.unpack(text, MAX_JSON_BYTES), "cases.json")
        pixels = _pixels(zip_form.unpack(array, _NPY_START_BYTES + _MAX_NPY_HEADER_BYTES + MAX_PIXEL_BYTES))
    except _UNREADABLE as error:
        raise InvalidBundle(f"cannot be read ({str(error)[:80]}); make it again with modelctl golden") from None
    return _parse(document, pixels)


def _case_to_json(case: Case) -> dict[str, Any]:
    height, width, channels = np.atleast_3d(case.image).shape
    return {"height": height, "width": width, "channels": channels, "labels": sorted(case.labels)}


def _parse(document: Json, pixels: NDArray[np.uint8]) -> AcceptanceSet:
    fields.an_int(document, "schemaVersion", SCHEMA_VERSION, SCHEMA_VERSION)
    labels = parse_labels(document)
    entries = document.get("cases")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_CASES:
        raise InvalidBundle(f"cases must be a list of 1 to {MAX_CASES} images")
    cases, begin = [], 0
    for index, entry in enumerate(entries):
        case = _case(entry, f"cases[{index}]", labels, pixels[begin:])
        begin += case.image.size
        cases.append(case)
    if begin != len(pixels):
        raise InvalidBundle("pixels.npy holds more pixels than cases.json names; make it again with modelctl golden")
    return AcceptanceSet(labels, _share(document, "minRight"), _share(document, "minRightPerLabel"), tuple(cases))


def _case(entry: Any, at: str, known: tuple[str, ...], pixels: NDArray[np.uint8]) -> Case:
    if not isinstance(entry, dict):
        raise InvalidBundle(f"{at} must be an object")
    height, width = (fields.an_int(entry, side, 1, MAX_SIDE, at) for side in ("height", "width"))
    channels, labels = fields.an_int(entry, "channels", 1, 3, at), entry.get("labels")
    if channels == 2:
        raise InvalidBundle(f"{at}.channels must be 1 (grey) or 3 (red, green, blue)")
    if not isinstance(labels, list) or not all(isinstance(label, str) and label in known for label in labels):
        raise InvalidBundle(f"{at}.labels must be a list of names out of labels")
    size = height * width * channels
    if len(pixels) < size:
        raise InvalidBundle(f"{at}: pixels.npy ends before this image; make it again with modelctl golden")
    shape = (height, width) if channels == 1 else (height, width, channels)
    return Case(pixels[:size].reshape(shape), frozenset(labels))


def _share(document: Json, name: str) -> float:
    value = fields.a_number(document, name)
    if not 0 <= value <= 1:
        raise InvalidBundle(f"{name} must be a share from 0 to 1")
    return value


def _pixels(content: bytes) -> NDArray[np.uint8]:
    """numpy itself would evaluate the header as Python: only the one that `dump` writes is taken."""
    magic, length = struct.unpack_from("<8sH", content)
    begin = _NPY_START_BYTES + length
    text = content[_NPY_START_BYTES:begin] if length <= _MAX_NPY_HEADER_BYTES else b""
    header = r"\{'descr': '\|u1', 'fortran_order': False, 'shape': \((\d{1,9}),\), \} *\n"
    match = re.fullmatch(header, text.decode("latin-1"))
    if match is None or magic != b"\x93NUMPY\x01\x00" or len(content) - begin != int(match[1]):
        raise InvalidBundle("pixels.npy must hold bytes in one row; make it again with modelctl golden")
    return np.frombuffer(memoryview(content)[begin:], np.uint8)
