"""All grids, each with its oracles: what is walked, and what comes out different."""

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from tests.harness.oracle import bmp_grid, lossy_grid, ours, png_grid, programs, tiff_grid, tiff_oracle
from tests.harness.oracle.case import Case, Twin
from tests.harness.oracle.dicom import colours, greys, show
from tests.harness.oracle.verdict import Finding, judge

# What ci/install-packages pictures installs.
NEEDED = ("dcm2pnm", "dcmj2pnm", "djpeg", "dwebp", "webpmux", "pngtopam", "bmptopnm", "tiff2rgba")

_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Grid:
    """`cases(count)` walks; `pictures(twins, folder)`: what each program shows. `sample`: files of a quick run."""

    cases: Callable[[int], Iterator[Case]]
    pictures: Callable[[Sequence[Twin], Path], list[dict[str, NDArray[Any]]]]
    count: int
    sample: int


GRIDS: Mapping[str, Grid] = {
    "dicom-grey": Grid(greys.cases, show.pictures, 2650, 125),
    "dicom-colour": Grid(colours.cases, show.pictures, 450, 30),
    "tiff": Grid(tiff_grid.cases, tiff_oracle.pictures, 900, 60),
    "png": Grid(png_grid.cases, programs.pngs, 400, 30),
    "jpeg": Grid(lossy_grid.jpegs, programs.jpegs, 250, 20),
    "webp": Grid(lossy_grid.webps, programs.webps, 150, 15),
    "bmp": Grid(bmp_grid.cases, programs.bmps, 250, 20),
}


def missing() -> list[str]:
    return [program for program in NEEDED if shutil.which(program) is None]


def findings(grid: Grid, count: int) -> list[Finding]:
    """What is not as it should be in the first `count` files of a grid."""
    walk, found = grid.cases(count), list[Finding]()
    while batch := list(islice(walk, _AT_ONCE)):
        found += _of_batch(grid, batch)
    return found


def _of_batch(grid: Grid, batch: list[Case]) -> Iterator[Finding]:
    """The programs are asked only about files of which the API gives a picture."""
    given = [ours.shown(case.data) for case in batch]
    asked = [case for case, one in zip(batch, given, strict=True) if not isinstance(one, ours.Refusal)]
    with tempfile.TemporaryDirectory() as folder:
        shown = iter(grid.pictures([twin for case in asked for twin in case.twins], Path(folder)))
    for case, one in zip(batch, given, strict=True):
        oracles = [] if isinstance(one, ours.Refusal) else list(islice(shown, len(case.twins)))
        if (finding := judge(case.name, one, oracles)) is not None:
            yield finding
