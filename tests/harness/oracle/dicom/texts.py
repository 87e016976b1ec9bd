"""Window, rescale and padding of generated DICOM files, as the standard has them and as files are found."""

import struct
from collections.abc import Mapping
from typing import Any

from tests.harness.oracle.case import Choice
from tests.harness.oracle.dicom.writer import BIG_ENDIAN, IMPLICIT, Elements, sequence_item

# Each is a place in the range of intensities, a width as a share of it, and the form of the text.
WINDOWS = (
    "wide",
    "narrow",
    "outside",
    "fraction",
    "comma",
    "comma-width",
    "several",
    "blanks",
    "empty",
    "one-empty",
    "brackets",
    "words",
    "zero-width",
    "exponent",
    "exact",
    "sigmoid",
    "voi-lut",
)
RESCALES = (
    "ct",
    "half",
    "negative",
    "ident",
    "comma",
    "blanks",
    "empty",
    "empty-slope",
    "slope-0",
    "slope-alone",
    "modality-lut",
)

CENTER, WIDTH, FUNCTION, VOI_LUTS = 0x00281050, 0x00281051, 0x00281056, 0x00283010
INTERCEPT, SLOPE, MODALITY_LUTS = 0x00281052, 0x00281053, 0x00283000

MAX_LUT_SPAN = 0xFFFF  # a table has at most 65,536 entries

Several = tuple[Elements, ...]


def elements(choice: Choice, low: int, top: int, syntax: str, signed: bool) -> tuple[Elements, Several]:
    """What the file says, and each way in which it can be understood, for stored values from `low` to `top`."""
    fixed = _padding_elements(choice, low, top, signed)
    said, meanings, (slope, intercept) = _rescale(choice["rescale"], low, top, syntax)
    ends = sorted((low * slope + intercept, top * slope + intercept))
    if choice["rescale"] == "modality-lut" and top - low <= MAX_LUT_SPAN:
        ends = [0, 4095]
    window, windows = _window(choice["window"], ends[0], ends[1], syntax)
    return {**fixed, **said, **window}, tuple({**fixed, **one, **other} for one in meanings for other in windows)


def padding(choice: Choice, low: int, top: int) -> tuple[int, ...]:
    """Values of samples that show nothing."""
    span = top - low
    return {
        "": (),
        "value-low": (low,),
        "value-high": (top,),
        "range": (low, low + span // 10),
    }[choice["padding"]]


def _padding_elements(choice: Choice, low: int, top: int, signed: bool) -> dict[int, Any]:
    vr = "SS" if signed else "US"
    pads = padding(choice, low, top)
    if top >= 1 << 16:
        vr = "SL" if signed else "UL"
    return {tag: (vr, pad) for tag, pad in zip((0x00280120, 0x00280121), pads, strict=False)}


def _rescale(kind: str, low: int, top: int, syntax: str) -> tuple[Elements, Several, tuple[float, float]]:
    """Also slope and intercept, by which a window in the middle of the intensities is found."""
    if kind == "modality-lut":
        said: Elements = {MODALITY_LUTS: ("SQ", _lut(low, top, 12, syntax))} if top - low <= MAX_LUT_SPAN else {}
        return said, (said,), (1, 0)
    return _NUMBERS[kind]


def _both(slope: str, intercept: str) -> Elements:
    return {SLOPE: ("DS", slope), INTERCEPT: ("DS", intercept)}


def _sound(slope: str, intercept: str) -> tuple[Elements, Several, tuple[float, float]]:
    said = _both(slope, intercept)
    return said, (said,), (float(slope), float(intercept))


_NUMBERS: Mapping[str, tuple[Elements, Several, tuple[float, float]]] = {
    "": ({}, ({},), (1, 0)),
    "ct": _sound("1", "-1024"),
    "half": _sound("0.5", "10.25"),
    "negative": _sound("-1", "100"),
    "ident": _sound("1.0", "0"),
    "comma": (_both("0,5", "10,25"), (_both("0.5", "10.25"),), (0.5, 10.25)),
    "blanks": (_both("  2 ", " -7  "), (_both("2", "-7"),), (2, -7)),
    "empty": (_both("", ""), ({},), (1, 0)),
    "empty-slope": (_both("", "5"), (_both("1", "5"), {}), (1, 0)),
    "slope-0": (_both("0", "5"), (_both("1", "5"), {}), (1, 0)),
    "slope-alone": ({SLOPE: ("DS", "2")}, (_both("2", "0"), {}), (1, 0)),
}


def _window(kind: str, low: float, top: float, syntax: str) -> tuple[Elements, Several]:
    def texts(center: str, width: str, function: str = "") -> dict[int, Any]:
        extra = {FUNCTION: ("CS", function)} if function else {}
        return {CENTER: ("DS", center), WIDTH: ("DS", width), **extra}

    absent: dict[int, Any] = {}
    span, middle = top - low, (low + top) / 2
    center, width = f"{middle:.6g}", f"{max(span * 0.7, 2):.6g}"
    plain = texts(center, width)
    tenths = texts(f"{int(middle)}.5", f"{max(int(span * 0.6), 2)}.5")
    commas = {tag: (vr, text.replace(".", ",")) for tag, (vr, text) in tenths.items()}
    said: dict[str, tuple[Elements, Several]] = {
        "": (absent, (absent,)),
        "wide": (plain, (plain,)),
        "narrow": (one := texts(center, f"{max(span * 0.05, 2):.6g}"), (one,)),
        "outside": (one := texts(f"{top:.6g}", f"{max(span * 0.9, 2):.6g}"), (one,)),
        "fraction": (tenths, (tenths,)),
        "comma": (commas, (tenths,)),
        "comma-width": ({**tenths, WIDTH: commas[WIDTH]}, (tenths,)),
        "several": (texts(f"{center}\\1", f"{width}\\2"), (plain,)),
        "blanks": (texts(f"  {center} ", f" {width}  "), (plain,)),
        "empty": (texts("", ""), (absent,)),
        "one-empty": (texts(center, ""), (absent,)),
        "brackets": (texts(f"[{center}]", f"[{width}]"), (plain, absent)),
        "words": (texts("unknown", "n/a"), (absent,)),
        "zero-width": (texts(center, "0"), (absent,)),
        "exponent": (one := texts(f"{middle:.4E}", f"{max(span * 0.6, 2):.4E}"), (one,)),
        "exact": (one := texts(center, width, "LINEAR_EXACT"), (one,)),
        "sigmoid": (one := texts(center, width, "SIGMOID"), (one,)),
    }
    if kind == "voi-lut" and span <= MAX_LUT_SPAN and top > 2:
        return (one := {VOI_LUTS: ("SQ", _lut(int(low), int(top), 10, syntax))}), (one,)
    return said.get(kind, (plain, (plain,)))


def _lut(low: int, top: int, bits: int, syntax: str) -> bytes:
    """One item: a curve over the middle of the range, so that both ends are extended; descriptor (PS3.3 C.11.2.1.1)."""
    first, entries = low + (top - low) // 4, max((top - low) // 2, 2)
    if syntax == IMPLICIT:  # where the descriptor has no VR, it says nothing of a sign
        first = max(first, 0)
    if first < 0:
        first, entries = max(first, -0x8000), min(entries, 0x7FFF)
    highest = (1 << bits) - 1
    curve = tuple(round(highest * (at / (entries - 1)) ** 2) for at in range(entries))
    descriptor = (entries & 0xFFFF, first, bits)
    table: Elements = {
        0x00283002: ("SS" if first < 0 else "US", descriptor),
        0x00283006: ("OW", _words(curve, syntax)),
    }
    return sequence_item(table, syntax)


def _words(numbers: tuple[int, ...], syntax: str) -> bytes:
    return struct.pack(f"{'>' if syntax == BIG_ENDIAN else '<'}{len(numbers)}H", *numbers)
