"""The grid of DICOM files in colour."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.harness.oracle import patterns
from tests.harness.oracle.case import Case, Choice, Twin, named, walk
from tests.harness.oracle.dicom.codecs import NATIVE, encoded, native, syntax_of
from tests.harness.oracle.dicom.writer import BIG_ENDIAN, Elements, dicom_file

AXES = {
    "photometric": ("RGB", "RGB", "YBR_FULL", "YBR_FULL_422", "PALETTE COLOR", "PALETTE COLOR"),
    "coding": ("implicit", "explicit", "big-endian", "RLE", "JPEG", "J2K", "J2K-lossy"),
    "planar": ("planar-0", "planar-1"),
    "entries": ("entries-8", "entries-16", "entries-200-from-20"),
    "frames": ("", "frames-3"),
    "bits": ("8", "8", "8", "8", "16"),
    "size": ("22x18", "7x10", "33x16", "48x64"),
}

Samples = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Colour:
    """What an oracle has to know of a file beside its bytes."""

    coding: str
    photometric: str
    shape: tuple[int, ...]
    word_bytes: int


def cases(count: int, seed: int = 2) -> Iterator[Case]:
    for choice in walk(AXES, count, seed, _possible):
        yield case_of(choice)


def _possible(choice: dict[str, str]) -> Choice:
    palette, coding = choice["photometric"] == "PALETTE COLOR", choice["coding"]
    if palette:
        choice["planar"] = ""
        choice["coding"] = "RLE" if coding in ("JPEG", "J2K-lossy") else coding
    else:
        choice["entries"] = ""
    if coding == "JPEG" or choice["photometric"] == "YBR_FULL_422" or palette:
        choice["bits"] = "8"
    if coding in ("JPEG", "J2K", "J2K-lossy") and not palette:
        inside = {"JPEG": "YBR_FULL_422", "J2K": "YBR_RCT", "J2K-lossy": "YBR_ICT"}[coding]
        choice["photometric"] = "RGB" if choice["photometric"] == "RGB" else inside
        choice["bits"] = "8"  # Pillow writes no more
    elif coding == "RLE" and choice["photometric"] == "YBR_FULL_422":
        choice["photometric"] = "YBR_FULL"
    return choice


def case_of(choice: Choice) -> Case:
    name = named("dicom", choice)
    top = (1 << int(choice["bits"])) - 1
    palette = choice["photometric"] == "PALETTE COLOR"
    rows, columns = (int(side) for side in choice["size"].split("x"))
    shape = (rows, columns) if palette else (rows, columns, 3)
    samples = patterns.integers(name, 0, top, *shape).astype(f"u{int(choice['bits']) // 8}")
    orthodox = dict(choice)
    if choice["coding"] in ("JPEG", "J2K", "J2K-lossy") and not palette:
        orthodox["planar"] = "planar-0"
    if palette and choice["coding"] == "J2K":
        orthodox["coding"] = "explicit"  # DCMTK has no JPEG 2000, and GDCM applies no palette
    known = Colour(orthodox["coding"], choice["photometric"], shape, samples.itemsize)
    return Case(name, _file(samples, choice), (Twin(_file(samples, orthodox), known),))


def _file(samples: Samples, choice: Choice) -> bytes:
    coding, syntax = choice["coding"], syntax_of(choice["coding"])
    frames = [samples, *([samples[::-1], samples // 2] if choice["frames"] else [])]
    elements = _elements(choice, samples, syntax)
    if coding not in NATIVE:
        return dicom_file(syntax, elements, [encoded(frame, coding, **_options(choice)) for frame in frames])
    pixels = b"".join(_native(frame, choice) for frame in frames)
    vr = "OB" if samples.itemsize == 1 and coding == "explicit" else "OW"
    return dicom_file(syntax, {**elements, 0x7FE00010: (vr, pixels)})


def _native(frame: Samples, choice: Choice) -> bytes:
    if choice["photometric"] != "YBR_FULL_422":
        return native(frame, choice["coding"], choice["planar"] == "planar-1")
    pairs = frame.reshape(frame.shape[0], -1, 2, 3)
    return np.concatenate([pairs[:, :, :, 0], pairs[:, :, 0, 1:]], axis=-1).tobytes()


def _options(choice: Choice) -> dict[str, Any]:
    if choice["coding"] == "JPEG":
        return {"keep_rgb": choice["photometric"] == "RGB"}
    return {"mct": int(choice["photometric"] != "RGB")} if choice["coding"].startswith("J2K") else {}


def _elements(choice: Choice, samples: Samples, syntax: str) -> Elements:
    bits = int(choice["bits"])
    elements: dict[int, Any] = {
        0x00280002: ("US", 1 if samples.ndim == 2 else 3),
        0x00280004: ("CS", choice["photometric"]),
        0x00280010: ("US", samples.shape[0]),
        0x00280011: ("US", samples.shape[1]),
        0x00280100: ("US", bits),
        0x00280101: ("US", bits),
        0x00280102: ("US", bits - 1),
        0x00280103: ("US", 0),
    }
    if choice["planar"]:
        elements[0x00280006] = ("US", 0 if choice["photometric"] == "YBR_FULL_422" else int(choice["planar"][-1]))
    if choice["frames"]:
        elements[0x00280008] = ("IS", "3")
    return elements | (_palette(choice["entries"], syntax) if choice["entries"] else {})


def _palette(kind: str, syntax: str) -> dict[int, Any]:
    """Three curves that no two indices share: PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6."""
    count, first = (200, 20) if "from" in kind else (256, 0)
    bits = 8 if kind == "entries-8" else 16
    elements: dict[int, Any] = {}
    steps = np.arange(count)
    for colour, curve in enumerate((steps, steps[::-1], (steps * 7) % count)):
        entries = curve * (((1 << bits) - 1) // (count - 1))
        words = entries.astype("<u2") if bits == 16 else entries.astype(np.uint8).view("<u2")
        if syntax == BIG_ENDIAN:
            words = words.astype(">u2")
        elements[0x00281101 + colour] = ("US", (count, first, bits))
        elements[0x00281201 + colour] = ("OW", words.tobytes())
    return elements
