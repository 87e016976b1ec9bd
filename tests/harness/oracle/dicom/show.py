"""What DCMTK and GDCM show of generated DICOM files."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.harness.oracle.case import Twin
from tests.harness.oracle.dicom import dcmtk, gdcm, ps33
from tests.harness.oracle.dicom.colours import Colour
from tests.harness.oracle.dicom.greys import Grey
from tests.harness.oracle.verdict import DCMTK_YBR

_J2K = ("J2K", "J2K-lossy")


def pictures(twins: Sequence[Twin], folder: Path) -> list[dict[str, NDArray[Any]]]:
    """For each file what each program shows, by the program's name; none where no program reads it."""
    paths = [folder / f"{number}.dcm" for number in range(len(twins))]
    for path, twin in zip(paths, twins, strict=True):
        path.write_bytes(twin.data)
    gdcm.read_all(folder)
    with ThreadPoolExecutor(2) as threads:
        by_dcmtk = list(threads.map(_by_dcmtk, paths, twins))
    by_gdcm = [_by_gdcm(path, twin) for path, twin in zip(paths, twins, strict=True)]
    return [_those(twin, *found) for twin, *found in zip(twins, by_dcmtk, by_gdcm, strict=True)]


def _those(twin: Twin, by_dcmtk: NDArray[Any] | None, by_gdcm: NDArray[Any] | None) -> dict[str, NDArray[Any]]:
    is_ybr = isinstance(twin.known, Colour) and twin.known.photometric.startswith("YBR_FULL")
    found = {DCMTK_YBR if is_ybr else "dcmtk": by_dcmtk, "gdcm": by_gdcm}
    return {name: picture for name, picture in found.items() if picture is not None}


def _by_dcmtk(path: Path, twin: Twin) -> NDArray[Any] | None:
    known: Grey | Colour = twin.known
    if isinstance(known, Colour):
        return None if known.coding in _J2K else dcmtk.shown(path, known.coding, ("",))
    if not _dcmtk_is_exact(known):
        return None
    found = dcmtk.shown(path, known.coding, dcmtk.VOI)
    words = gdcm.words(path, known.shape, known.word_bytes)
    if found is None or words is None:
        return found
    return np.where(ps33.padding(ps33.values(words, known.said), known.said), 0, found)


def _dcmtk_is_exact(known: Grey) -> bool:
    """DCMTK 3.6.7 knows no LINEAR_EXACT, keeps padding in its lowest and highest, and rescales to whole numbers."""
    said = known.said
    rescaled = (said.slope, said.intercept) != (1, 0)
    fractions = said.slope % 1 or said.intercept % 1
    looks_for_ends = said.window is None and not said.has_voi_table
    return not (
        known.coding in _J2K
        or (said.window and said.window[2] == "LINEAR_EXACT")
        or (looks_for_ends and said.pads is not None)
        or (rescaled and (fractions or said.stored_bits > 16))
    )


def _by_gdcm(path: Path, twin: Twin) -> NDArray[Any] | None:
    """Of colours only those that GDCM decodes to RGB, or leaves as they are stored."""
    known: Grey | Colour = twin.known
    words = gdcm.words(path, known.shape, known.word_bytes)
    if words is None:
        return None
    if isinstance(known, Grey):
        return ps33.grey8(words, known.said)
    if known.word_bytes > 1 or known.photometric not in ("RGB", "YBR_RCT", "YBR_ICT", "YBR_FULL"):
        return None
    return ps33.rgb(words) if known.photometric == "YBR_FULL" else words
