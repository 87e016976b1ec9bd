"""One sound file of each kind, by format, for the page that lists what is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydicom.uid import AllTransferSyntaxes

from tests.harness.oracle import bmp_grid, lossy_grid, png_grid, tiff_grid
from tests.harness.oracle.case import Case
from tests.harness.oracle.dicom import codecs, colours, greys

# Points of the grids that have nothing unusual.
_GREY = {"bits": "8", "photometric": "MONOCHROME2", "coding": "explicit", "window": "", "rescale": "", "padding": "",
         "planar": "", "frames": ""}  # fmt: skip
_COLOUR = {
    "photometric": "RGB",
    "coding": "explicit",
    "planar": "planar-0",
    "entries": "",
    "frames": "",
    "bits": "8",
    "size": "22x18",
}
_TIFF = {"samples": "uint8", "photometric": "minisblack", "extra": "", "order": "little", "size": "",
         "compression": "none", "predictor": "", "planar": "", "layout": "strips", "frames": "",
         "orientation": ""}  # fmt: skip
_PNG = {"kind": "grey-8", "interlace": "", "filter": "none", "transparent": "", "gamma": "", "size": "24x20"}
_BMP = {"bits": "8", "header": "info", "direction": "", "palette": "colours", "size": "24x20"}
_JPEG = {"colour": "L", "sampling": "4:4:4", "quality": "90", "scans": "", "tables": "", "restart": "", "size": "24x20"}
_WEBP = {"colour": "RGB", "coding": "lossy", "quality": "90", "frames": "", "size": "24x20"}

_RGB = ("RGB", "YBR_FULL", "YBR_FULL_422")
_COMPRESSED = (("YBR_FULL_422", "JPEG"), ("RGB", "JPEG"), ("YBR_RCT", "J2K"), ("YBR_ICT", "J2K-lossy"), ("RGB", "J2K"))


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    data: bytes


def all_kinds() -> Mapping[str, Sequence[Kind]]:
    return {
        "DICOM: transfer syntaxes": _syntaxes(),
        "DICOM: bits of grey": [
            _kind(bits, greys.case_of({**_GREY, "bits": bits})) for bits in dict.fromkeys(greys.AXES["bits"])
        ],
        "DICOM: photometric interpretations": _photometrics(),
        "TIFF: samples and photometric interpretations": _tiffs(),
        "TIFF: byte order, size, compression, layout": _layouts(),
        "PNG": [_kind(kind, png_grid.case_of({**_PNG, "kind": kind})) for kind in png_grid.AXES["kind"]],
        "BMP": [_kind(bits, bmp_grid.case_of({**_BMP, "bits": bits})) for bits in bmp_grid.AXES["bits"]],
        "JPEG": _jpegs(),
        "WebP": _webps(),
    }


def _kind(name: str, case: Case) -> Kind:
    return Kind(name, case.data)


def _syntaxes() -> list[Kind]:
    """All that pydicom knows. Where nothing here encodes a frame, it is of zeros."""
    codings = {uid: coding for coding, uid in codecs.SYNTAXES.items()}
    return [
        _kind(f"{uid.name}, `{uid}`", greys.case_of({**_GREY, "coding": codings.get(str(uid), str(uid))}))
        for uid in AllTransferSyntaxes
    ]


def _photometrics() -> list[Kind]:
    plain = [_kind(one, greys.case_of({**_GREY, "photometric": one})) for one in ("MONOCHROME1", "MONOCHROME2")]
    native = [
        _kind(f"{one}, {bits} bits", colours.case_of({**_COLOUR, "photometric": one, "bits": bits}))
        for one, bits in (*((one, "8") for one in _RGB), ("RGB", "16"))
    ]
    compressed = [
        _kind(f"{one} in {coding}", colours.case_of({**_COLOUR, "photometric": one, "coding": coding}))
        for one, coding in _COMPRESSED
    ]
    palette = {**_COLOUR, "photometric": "PALETTE COLOR", "planar": ""}
    palettes = [
        _kind(f"PALETTE COLOR, {entries}", colours.case_of({**palette, "entries": entries}))
        for entries in colours.AXES["entries"]
    ]
    return [*plain, *native, *compressed, *palettes]


def _tiffs() -> list[Kind]:
    plain = [
        {**_TIFF, "samples": samples, "photometric": photometric}
        for samples in dict.fromkeys(tiff_grid.AXES["samples"])
        for photometric in ("minisblack", "miniswhite")
    ]
    coloured = [
        {**_TIFF, "samples": samples, "photometric": photometric}
        for samples in ("uint8", "uint16")
        for photometric in ("rgb", "palette", "separated")
    ]
    extras = [
        {**_TIFF, "photometric": photometric, "extra": extra}
        for photometric in ("minisblack", "rgb")
        for extra in ("unassalpha", "assocalpha", "unspecified")
    ]
    return [
        _kind(" ".join(filter(None, (one["samples"], one["photometric"], one["extra"]))), tiff_grid.case_of(one))
        for one in (*plain, *coloured, *extras)
    ]


def _layouts() -> list[Kind]:
    chosen = [("order", "big"), ("size", "bigtiff"), ("layout", "tiles"), ("frames", "frames-2")]
    chosen += [("compression", one) for one in dict.fromkeys(tiff_grid.AXES["compression"]) if one != "none"]
    chosen += [("orientation", "orientation-3"), ("orientation", "orientation-6")]
    planes = {**_TIFF, "photometric": "rgb", "planar": "separate"}
    plain = [_kind(f"uint8 {value}", tiff_grid.case_of({**_TIFF, axis: value})) for axis, value in chosen]
    return [*plain, _kind("uint8 rgb separate", tiff_grid.case_of(planes))]


def _jpegs() -> list[Kind]:
    chosen = [{**_JPEG, "colour": one} for one in dict.fromkeys(lossy_grid.JPEG_AXES["colour"])]
    chosen += [{**_JPEG, "scans": "progressive"}]
    found = [_kind(" ".join(filter(None, (one["colour"], one["scans"]))), lossy_grid.jpeg_of(one)) for one in chosen]
    grey = greys.samples_of(_GREY)
    more = {"12 bits": "JPEG-12", "lossless": "JPEG-lossless", "JPEG-LS": "JPEG-LS"}
    return [*found, *(Kind(name, codecs.encoded(grey, coding)) for name, coding in more.items())]


def _webps() -> list[Kind]:
    chosen = [
        {**_WEBP, "colour": colour, "coding": coding} for colour in ("RGB", "RGBA") for coding in ("lossy", "lossless")
    ]
    chosen += [{**_WEBP, "frames": "frames-2"}]
    return [
        _kind(" ".join(filter(None, (one["colour"], one["coding"], one["frames"]))), lossy_grid.webp_of(one))
        for one in chosen
    ]
