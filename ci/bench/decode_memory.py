"""Measures how much memory decoding takes, and compares it with what imaging/decode_memory.py counts.

`python -m ci.bench.decode_memory` writes its part of docs/benchmarks.md, and exits 1 when a kind takes more than is
counted. Each file is decoded in a fresh process, with each kind of intensity.
"""

import argparse
import os
import pickle
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from inference_api.imaging import images
from inference_api.imaging.intensity import Intensity, Percentile, Voi, Window
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.prediction import warmup
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGBaseline8Bit

from ci.bench import pages
from ci.load import decode_files as made
from ci.load import structure_files
from ci.load.decode_files import Make, by_pillow
from ci.stack.say import say

COMMAND = "python -m ci.bench.decode_memory"
MAX_PIXELS = 10**9

T = TypeVar("T")

SIDE = 3072
SMALL_SIDE = 64
INTENSITIES: tuple[Intensity, ...] = (Window(0, 100), Percentile(0.5, 99.5), Voi())
RESCALED = {"RescaleSlope": 1.5, "RescaleIntercept": -1000}
WINDOW = {"WindowCenter": 40, "WindowWidth": 400, "VOILUTFunction": "SIGMOID"}

CASES: dict[str, Make] = {
    **{f"JPEG {mode}": by_pillow("JPEG", mode) for mode in ("L", "RGB", "CMYK")},
    **{f"JPEG {mode} progressive": by_pillow("JPEG", mode, progressive=True) for mode in ("L", "CMYK")},
    "JPEG RGB progressive": by_pillow("JPEG", "RGB", progressive=True, subsampling=0),
    **{f"PNG {mode}": by_pillow("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")},
    "PNG RGBA interlaced": made.interlaced_png,
    "WEBP RGB": by_pillow("WEBP", "RGB"),
    "WEBP RGBA": by_pillow("WEBP", "RGBA", lossless=True),
    "WEBP RGBA lossy": by_pillow("WEBP", "RGBA"),
    "WEBP RGBA animated": made.animated_webp,
    "WEBP of many codes": structure_files.webp_of_many_codes,
    **{f"BMP {mode}": by_pillow("BMP", mode) for mode in ("1", "L", "P", "RGB", "RGBA")},
    **{
        f"TIFF {mode}": by_pillow("TIFF", mode, compression="tiff_adobe_deflate", strip_size=2**31 - 1)
        for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16", "I", "F")
    },
    "TIFF RGB raw": by_pillow("TIFF", "RGB"),
    "TIFF YCbCr": by_pillow("TIFF", "YCbCr", compression="jpeg"),
    "DICOM u1": made.dicom("u1"),
    "DICOM u2": made.dicom("u2"),
    "DICOM i2 padded": made.dicom("i2", **RESCALED, BitsStored=12, HighBit=11, PixelPaddingValue=-2000),
    "DICOM i2 rescaled": made.dicom("i2", **RESCALED),
    "DICOM i2 sigmoid": made.dicom("i2", **RESCALED, **WINDOW),
    "DICOM i2 table": made.with_table(made.dicom("u2")),
    "DICOM i4 rescaled": made.dicom("i4", **RESCALED),
    "DICOM i4 padded": made.dicom("i4", **RESCALED, BitsStored=24, HighBit=23, PixelPaddingValue=-2000),
    "DICOM f4": made.dicom("f4"),
    "DICOM palette": made.with_palette(made.dicom("u2")),
    "DICOM RGB": made.dicom_colour(ExplicitVRLittleEndian, None),
    "DICOM YBR_FULL": made.dicom_colour(ExplicitVRLittleEndian, None, PhotometricInterpretation="YBR_FULL"),
    "DICOM JPEG L": made.dicom_colour(
        JPEGBaseline8Bit,
        lambda i: made.jpeg(i.convert("L")),
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
    ),
    "DICOM JPEG YBR": made.dicom_colour(JPEGBaseline8Bit, made.jpeg, PhotometricInterpretation="YBR_FULL_422"),
    "DICOM JPEG RGB": made.dicom_colour(JPEGBaseline8Bit, made.jpeg, PhotometricInterpretation="RGB"),
    "DICOM JPEG2000 L": made.dicom_jpeg2000("L", "u1"),
    "DICOM JPEG2000 I;16": made.dicom_jpeg2000("I;16", "u2", **RESCALED),
    "DICOM JPEG2000 signed": made.dicom_jpeg2000("I;16", "i2", **RESCALED),
    "DICOM JPEG2000 table": made.with_table(made.dicom_jpeg2000("I;16", "u2")),
    "DICOM JPEG2000 palette": made.with_palette(made.dicom_jpeg2000("I;16", "u2")),
    "DICOM JPEG2000 RGB": made.dicom_colour(JPEG2000Lossless, made.jpeg2000),
    "DICOM JPEG2000 YBR": made.dicom_colour(JPEG2000Lossless, made.jpeg2000, PhotometricInterpretation="YBR_FULL"),
    "DICOM JPEG2000 of many precincts": structure_files.dicom_of_many_precincts,
    "DICOM JPEG2000 of many tiles": structure_files.dicom_of_many_tiles,
    "DICOM RLE u1": made.dicom_rle("u1"),
    "DICOM RLE u2": made.dicom_rle("u2", **RESCALED),
    "DICOM RLE i4": made.dicom_rle("i4", **RESCALED),
    "DICOM RLE palette": made.with_palette(made.dicom_rle("u2")),
}


@dataclass(frozen=True)
class Cost:
    """Bytes besides the file itself: what was taken at the peak, and what the API counts for it."""

    taken: int
    counted: int


def cost(path: Path, small: Path) -> Cost:
    """Of decoding this file in this process, with the dearest intensity.

    A small one of its kind is decoded before: pages of libraries are mapped then, in numbers that depend on how the
    kernel read their files.
    """
    decode(small.read_bytes())
    file = path.read_bytes()
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts again
    counted = decode(file)
    return Cost(_resident("VmHWM") - before, counted)


def decode(file: bytes) -> int:
    """In each intensity; the most bytes that the API counts for it."""
    counted = [0]
    for intensity in INTENSITIES:
        wanted = Preprocessing("bicubic", 1 / 255, (0.0,) * 3, (1.0,) * 3, intensity)
        images.pixels(images.decode(file, MAX_PIXELS, counted.append), wanted)
    return max(counted)


def _resident(field: str) -> int:
    (kilobytes,) = re.findall(rf"^{field}:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kilobytes) * 1024


def in_a_child(work: Callable[[], T]) -> T:
    """What `work` returns in a fork: memory that it took and freed is not this process's, nor its next child's."""
    reader, writer = os.pipe()
    if child := os.fork():
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            sent = answer.read()
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"{COMMAND}: a child ended with status {status}")
        result: T = pickle.loads(sent)
        return result
    try:
        os.write(writer, pickle.dumps(work()))
    except BaseException as error:
        say(f"{COMMAND}: {error!r}")
        os._exit(1)
    os._exit(0)


def measure(make: Make, side: int, folder: Path) -> Cost:
    path, small = folder / "file", folder / "small"
    in_a_child(lambda: path.write_bytes(make(side)))
    in_a_child(lambda: small.write_bytes(make(SMALL_SIDE)))
    return in_a_child(lambda: cost(path, small))


def to_markdown(costs: dict[str, Cost], side: int) -> str:
    """Bytes for each pixel."""
    rows = [f"| {name} | {one.taken / side**2:.1f} | {one.counted / side**2:.1f} |" for name, one in costs.items()]
    return "\n".join(
        [
            "## Memory of decoding",
            "",
            f"Written by `{COMMAND}`: files of {side} x {side} pixels of one colour, each decoded in a fresh",
            "process with a window, percentiles and the file's own VOI. Bytes for each pixel at the peak, besides the",
            "file itself, and what the API takes for it from its budget, with copies of the file and for the resize.",
            "",
            "| file | taken | counted |",
            "| --- | ---: | ---: |",
            *rows,
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument("--side", type=int, default=SIDE, help="of the squares that are decoded, a multiple of 8")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help="only those whose name has one of these words")
    arguments = parser.parse_args()
    warmup.warm()
    warmup.import_dicom()
    with tempfile.TemporaryDirectory() as folder:
        costs = {
            name: measure(make, arguments.side, Path(folder))
            for name, make in CASES.items()
            if not arguments.kinds or any(kind in name for kind in arguments.kinds)
        }
    text = to_markdown(costs, arguments.side)
    say(text)
    if arguments.side == SIDE and not arguments.kinds:
        pages.write(COMMAND, text)
    low = [name for name, one in costs.items() if one.taken > one.counted]
    sys.exit(f"{COMMAND}: more memory than counted: {', '.join(low)}" if low else 0)


if __name__ == "__main__":
    main()
