"""The grid of grey DICOM files."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.harness.oracle import patterns
from tests.harness.oracle.case import Case, Choice, Twin, named, walk
from tests.harness.oracle.dicom import ps33, texts
from tests.harness.oracle.dicom.codecs import NATIVE, encoded, native, syntax_of
from tests.harness.oracle.dicom.writer import Elements, dicom_file

AXES = {
    "bits": (
        "8",
        "8s",
        "8of4",
        "16",
        "16s",
        "16of12",
        "16of12s",
        "16of10",
        "16of12-high",
        "16of12-overlay",
        "32",
        "32s",
    ),
    "photometric": ("MONOCHROME1", "MONOCHROME2"),
    "coding": ("implicit", "explicit", "big-endian", "RLE", "JPEG", "J2K", "J2K-lossy", "JPEG-lossless", "JPEG-LS"),
    "window": ("", "", "", "", "", "wide", "wide", "fraction", "sigmoid", "narrow", *texts.WINDOWS),
    "rescale": (*[""] * 10, *["ct", "half", "negative"] * 4, *texts.RESCALES),
    "padding": ("", "", "value-low", "value-high", "range"),
    "planar": ("", "", "planar-0", "planar-1"),
    "frames": ("", "frames-3"),
}
ROWS, COLUMNS = 23, 19

Samples = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Grey:
    """What an oracle has to know of a file beside its bytes."""

    coding: str
    said: ps33.Meaning
    shape: tuple[int, ...]
    word_bytes: int


@dataclass(frozen=True, slots=True)
class Bits:
    allocated: int
    stored: int
    high: int
    signed: bool

    @property
    def plain(self) -> "Bits":
        """With the lower bits in use, as PS3.5 has it since 2014; and 8 bits, since GDCM reads no fewer."""
        stored = max(self.stored, 8)
        return Bits(self.allocated, stored, stored - 1, self.signed)

    @property
    def low(self) -> int:
        return -(1 << self.stored - 1) if self.signed else 0

    @property
    def top(self) -> int:
        return self.low + (1 << self.stored) - 1


def bits_of(text: str) -> Bits:
    """ "16of12s" is 12 bits of 16, signed; "-high": they are the upper ones."""
    plain = text.partition("-")[0]
    signed = plain.endswith("s")
    allocated, _, stored = plain.rstrip("s").partition("of")
    count = int(stored or allocated)
    return Bits(int(allocated), count, int(allocated) - 1 if text.endswith("-high") else count - 1, signed)


def cases(count: int, seed: int = 1) -> Iterator[Case]:
    for choice in walk(AXES, count, seed, _possible):
        yield case_of(choice)


def _possible(choice: dict[str, str]) -> Choice:
    """JPEG has 8 bits, our other encoders 8 or 16 and no sign; what cannot be is run-length coded instead.

    DCMTK alone applies tables, only to whole numbers, and has no JPEG 2000.
    """
    deep = ("8", "16")
    fits = {"JPEG": ("8",), "J2K": deep, "J2K-lossy": deep, "JPEG-lossless": deep, "JPEG-LS": deep}.get(
        choice["coding"]
    )
    if fits and choice["bits"] not in fits:
        choice["coding"] = "RLE"
    if choice["rescale"] == "modality-lut":
        choice["padding"] = ""  # DCMTK counts it among the lowest and the highest
    if "lut" in choice["window"] and choice["rescale"] in ("half", "comma"):
        choice["rescale"] = "ct"
    if "lut" in choice["window"] + choice["rescale"] and choice["coding"] in ("J2K", "J2K-lossy"):
        choice["coding"] = "RLE"
    return choice


def case_of(choice: Choice) -> Case:
    name = named("dicom", choice)
    bits = bits_of(choice["bits"])
    values = _values(name, bits, choice)
    stored = _stored(values, bits, choice["bits"].endswith("-overlay"))
    odd, orthodox = texts.elements(choice, bits.low, bits.top, syntax_of(choice["coding"]), bits.signed)
    plain = bits.plain
    understood = _stored(values, plain, overlay=False)
    twins = tuple(_twin(understood, choice, {**_elements(plain, choice), **extra}) for extra in orthodox)
    return Case(name, _file(stored, choice, {**_elements(bits, choice), **odd}), twins)


def _twin(stored: Samples, choice: Choice, elements: Elements) -> Twin:
    return Twin(
        _file(stored, choice, elements), Grey(choice["coding"], ps33.meaning(elements), stored.shape, stored.itemsize)
    )


def samples_of(choice: Choice) -> Samples:
    """The stored words of a point of the grid."""
    bits = bits_of(choice["bits"])
    return _stored(_values(named("dicom", choice), bits, choice), bits, overlay=False)


def _values(name: str, bits: Bits, choice: Choice) -> NDArray[np.int64]:
    """In the middle of what the bits can hold; padding, at a corner, is outside of that."""
    span = bits.top - bits.low
    values = patterns.integers(name, bits.low + span // 5, bits.top - span // 5, ROWS, COLUMNS)
    pads = texts.padding(choice, bits.low, bits.top)
    for nth, pad in enumerate(pads):
        values[: 6 - nth, : 7 + nth] = pad
    return values


def _stored(values: NDArray[np.int64], bits: Bits, overlay: bool) -> Samples:
    """The words of the file: the values moved up to the high bit, unused bits 0 or of a retired overlay (PS3.5 8.1)."""
    mask = (1 << bits.stored) - 1
    words = (values & mask) << (bits.high + 1 - bits.stored)
    if bits.signed and bits.stored < bits.allocated:
        words |= np.where(values < 0, (1 << bits.allocated) - 1 - mask, 0)
    if overlay:
        words[3:9, 5:15] |= 1 << 13
    return words.astype(np.dtype(f"u{bits.allocated // 8}"))


def _elements(bits: Bits, choice: Choice) -> Elements:
    elements: dict[int, Any] = {
        0x00280002: ("US", 1),
        0x00280004: ("CS", choice["photometric"]),
        0x00280010: ("US", ROWS),
        0x00280011: ("US", COLUMNS),
        0x00280100: ("US", bits.allocated),
        0x00280101: ("US", bits.stored),
        0x00280102: ("US", bits.high),
        0x00280103: ("US", int(bits.signed)),
    }
    if choice["frames"]:
        elements[0x00280008] = ("IS", "3")
    if choice["planar"]:
        elements[0x00280006] = ("US", int(choice["planar"][-1]))
    return elements


def _file(stored: Samples, choice: Choice, elements: Elements) -> bytes:
    coding = choice["coding"]
    frames = [stored, *([stored[::-1], stored // 2] if choice["frames"] else [])]
    if coding not in NATIVE:
        return dicom_file(syntax_of(coding), elements, [encoded(frame, coding) for frame in frames])
    pixels = b"".join(native(frame, coding, planar=False) for frame in frames)
    vr = "OB" if stored.itemsize == 1 and coding == "explicit" else "OW"
    return dicom_file(syntax_of(coding), {**elements, 0x7FE00010: (vr, pixels)})
