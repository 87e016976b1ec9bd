"""What tifffile decodes of a TIFF, and what TIFF 6.0 has it show."""

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from tests.harness.oracle.case import Twin
from tests.harness.oracle.tiff_grid import Tiff

_FAX = (2, 3, 4)  # TIFF 6.0, Compression
_TURNS = {1: 0, 3: 2, 6: 3, 8: 1}


def pictures(twins: Sequence[Twin], folder: Path) -> list[dict[str, NDArray[Any]]]:
    return [_picture(twin) for twin in twins]


def _picture(twin: Twin) -> dict[str, NDArray[Any]]:
    known: Tiff = twin.known
    with tifffile.TiffFile(io.BytesIO(twin.data)) as file:
        page = _first(file)
        samples = page.asarray()
        if page.planarconfig == 2 and samples.ndim == 3:
            samples = samples.transpose(1, 2, 0)
        colours = page.colormap
    found = _shown(samples, known, colours)
    return {"tifffile": np.rot90(found, _TURNS[known.orientation])}


def _shown(samples: NDArray[Any], known: Tiff, colours: NDArray[Any] | None) -> NDArray[Any]:
    """Colours as 8 bits, greys of up to 8 bits over all of them, deeper ones from the lowest to the highest."""
    if known.photometric == "palette" and colours is not None:
        return np.asarray(colours[:, samples].transpose(1, 2, 0) >> 8)
    if known.photometric in ("rgb", "ycbcr"):
        return _without_alpha(samples[..., :3], samples, known)
    if known.photometric == "separated":
        inks = samples.astype(np.float64)
        return np.asarray((255 - inks[..., :3]) * (255 - inks[..., 3:4]) / 255)
    grey = samples[..., 0] if samples.ndim == 3 else samples
    values = grey.astype(np.float64)
    if known.bits <= 8 and grey.dtype.kind == "u":
        shown = values * (255 / ((1 << known.bits) - 1))
    else:
        shown = (values - values.min()) / (values.max() - values.min()) * 255
    return np.asarray(255 - shown if known.photometric == "miniswhite" else shown)


def _without_alpha(colours: NDArray[Any], samples: NDArray[Any], known: Tiff) -> NDArray[Any]:
    """Associated alpha is multiplied into the colours (TIFF 6.0, ExtraSamples): dividing gives them back."""
    if known.extra != "assocalpha":
        return colours
    alpha = np.maximum(samples[..., 3:4].astype(np.float64), 1e-9)
    return np.asarray(np.clip(colours.astype(np.float64) * 255 / alpha, 0, 255))


def foreign_pictures(twins: Sequence[Twin], folder: Path) -> list[dict[str, NDArray[Any]]]:
    """Of files whose header only they themselves tell: tifffile's picture, and that of libtiff's tiff2rgba."""
    return [{**_by_tifffile(twin), **_by_libtiff(twin, folder)} for twin in twins]


def _by_tifffile(twin: Twin) -> dict[str, NDArray[Any]]:
    try:
        with tifffile.TiffFile(io.BytesIO(twin.data)) as file:
            page = _first(file)
            if page.compression in _FAX:  # libtiff reads testfax4.tiff, its own, in another way
                return {}
            extra = tifffile.EXTRASAMPLE(page.extrasamples[0]).name.lower() if page.extrasamples else ""
            photometric = tifffile.PHOTOMETRIC(page.photometric).name.lower()
            known = Tiff(page.bitspersample, photometric, extra, int(page.tags.valueof(274, 1)))
        return _picture(Twin(twin.data, known))
    except Exception:  # whatever it does not read
        return {}


def _by_libtiff(twin: Twin, folder: Path) -> dict[str, NDArray[Any]]:
    """It shows deep greys by their high byte: those are left to tifffile."""
    whole, shown = folder / "whole.tif", folder / "shown.tif"
    whole.write_bytes(twin.data)
    ended = subprocess.run(["tiff2rgba", "-c", "none", whole, shown], capture_output=True)
    if ended.returncode or not shown.exists() or _is_deep(twin.data):
        return {}
    with tifffile.TiffFile(shown) as file:
        return {"libtiff": _first(file).asarray()[..., :3]}


def _is_deep(data: bytes) -> bool:
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return bool(_first(file).bitspersample > 8)


def _first(file: tifffile.TiffFile) -> tifffile.TiffPage:
    page = file.pages[0]
    assert isinstance(page, tifffile.TiffPage)
    return page
