"""The grid of TIFF files, written by tifffile."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from tests.harness.oracle import patterns
from tests.harness.oracle.case import Case, Choice, Twin, named, walk

AXES = {
    "samples": ("1", "2", "4", "uint8", "uint8", "uint16", "uint16", "uint16", "12", "uint32", "int8", "int16", "int16",
                "int32", "float16", "float32", "float64"),
    "photometric": ("minisblack", "miniswhite", "minisblack", "miniswhite", "rgb", "rgb", "palette", "separated"),
    "extra": ("", "", "", "unassalpha", "assocalpha", "unspecified"),
    "order": ("little", "big"),
    "size": ("", "", "", "bigtiff"),
    "compression": ("none", "none", "lzw", "packbits", "deflate", "zstd", "lzma", "jpeg"),
    "predictor": ("", "", "predictor"),
    "planar": ("contig", "contig", "separate"),
    "layout": ("strips", "strips", "tiles"),
    "frames": ("", "", "frames-2"),
    "orientation": ("", "", "", "", "orientation-3", "orientation-6"),
}  # fmt: skip
ROWS, COLUMNS = 20, 24
_CHANNELS = {"rgb": 3, "separated": 4}

Samples = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Tiff:
    """What an oracle has to know of a file beside its bytes."""

    bits: int
    photometric: str
    extra: str
    orientation: int


def cases(count: int, seed: int = 3) -> Iterator[Case]:
    for choice in walk(AXES, count, seed, _possible):
        yield case_of(choice)


def _possible(choice: dict[str, str]) -> Choice:
    """Only what the format has: an alpha of few bits, a palette of floats and so on are put right."""
    samples, photometric = choice["samples"], choice["photometric"]
    few = samples in ("1", "2", "4", "12")
    if photometric == "palette":
        choice["samples"] = samples = samples if samples in ("uint8", "uint16") else "uint8"
        choice["extra"] = ""
    elif photometric in _CHANNELS and (few or samples.startswith(("int", "float"))):
        choice["samples"] = samples = "uint8" if few else "uint16"
    elif few:
        choice["extra"] = ""
    if photometric == "miniswhite" or photometric == "separated":
        choice["extra"] = ""
    if choice["compression"] == "jpeg" and (samples != "uint8" or photometric == "palette" or choice["extra"]):
        choice["compression"] = "lzw"
    if choice["compression"] == "none" or choice["compression"] in ("packbits", "jpeg") or few:
        choice["predictor"] = ""
    if photometric not in _CHANNELS and not choice["extra"]:
        choice["planar"] = ""
    if few:
        choice["compression"] = "none"  # tifffile packs no others
    return choice


def case_of(choice: Choice) -> Case:
    name = named("tiff", choice)
    samples = _samples(name, choice)
    data = _file(samples, choice)
    known = Tiff(_bits(choice), choice["photometric"], choice["extra"], int(choice["orientation"][-1:] or 1))
    return Case(name, data, (Twin(data, known),))


def _bits(choice: Choice) -> int:
    kind = choice["samples"]
    return int(kind) if kind.isdigit() else 8 * np.dtype(kind).itemsize


def _samples(name: str, choice: Choice) -> Samples:
    channels = _CHANNELS.get(choice["photometric"], 1) + bool(choice["extra"])
    shape = (ROWS, COLUMNS, channels) if channels > 1 else (ROWS, COLUMNS)
    kind, bits = choice["samples"], _bits(choice)
    if kind.startswith("float"):
        return (patterns.shares(name, *shape) * 3000 - 1000).astype(kind)
    low = -(1 << bits - 1) if kind.startswith("int") else 0
    found = patterns.integers(name, low, low + (1 << bits) - 1, *shape)
    if choice["extra"] == "assocalpha":  # the colours are multiplied by it; a dark one would leave little of them
        alpha = found[..., -1:] // 2 + (1 << bits - 1)
        found = np.concatenate([found[..., :-1] * alpha // ((1 << bits) - 1), alpha], axis=-1)
    return found.astype({"1": "uint8", "2": "uint8", "4": "uint8", "12": "uint16"}.get(kind, kind))


def _file(samples: Samples, choice: Choice) -> bytes:
    file = io.BytesIO()
    options: dict[str, Any] = {"photometric": choice["photometric"], "metadata": None, "software": False}
    if choice["extra"]:
        options["extrasamples"] = [choice["extra"]]
    if choice["planar"]:
        options["planarconfig"] = choice["planar"]
        if choice["planar"] == "separate":
            samples = samples.transpose(2, 0, 1)
    if choice["compression"] != "none":
        options["compression"] = choice["compression"]
    if choice["predictor"]:
        options["predictor"] = True
    options |= {"tile": (16, 16)} if choice["layout"] == "tiles" else {"rowsperstrip": 7}
    if choice["samples"].isdigit():
        options |= {"bitspersample": int(choice["samples"])}
    if choice["photometric"] == "palette":
        options["colormap"] = _palette(_bits(choice))
    if choice["orientation"]:
        options["extratags"] = [(274, "H", 1, int(choice["orientation"][-1]), True)]
    with tifffile.TiffWriter(file, byteorder="<" if choice["order"] == "little" else ">",
                             bigtiff=bool(choice["size"])) as writer:  # fmt: skip
        for _ in range(2 if choice["frames"] else 1):
            writer.write(samples, **options)
            samples = np.zeros_like(samples)
    return file.getvalue()


def _palette(bits: int) -> Samples:
    steps = np.arange(1 << bits)
    curves = np.stack([steps, steps[::-1], (steps * 7) % len(steps)])
    return (curves * (65535 // (len(steps) - 1))).astype(np.uint16)
