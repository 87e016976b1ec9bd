"""Files that nobody here wrote: those inside pydicom's wheel, PngSuite, and the test pictures of libtiff and
libjpeg-turbo, which ci/pictures/install puts into .cache/pictures.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pydicom.data
from numpy.typing import NDArray

from ci.stack.folders import ROOT
from tests.harness.oracle import ours, programs, tiff_oracle
from tests.harness.oracle.case import Twin
from tests.harness.oracle.dicom import foreign as foreign_dicoms
from tests.harness.oracle.verdict import Finding, judge

PICTURES = ROOT / ".cache" / "pictures"
WHEEL = Path(pydicom.data.__file__).parent / "test_files"

Show = Callable[[Sequence[Twin], Path], list[dict[str, NDArray[Any]]]]

SHOW: Mapping[str, Show] = {
    ".dcm": foreign_dicoms.pictures,
    ".png": programs.pngs,
    ".tif": tiff_oracle.foreign_pictures,
    ".tiff": tiff_oracle.foreign_pictures,
    ".jpg": programs.jpegs,
    ".bmp": programs.bmps,
}


def files() -> list[Path]:
    found = [*WHEEL.rglob("*"), *PICTURES.rglob("*")]
    return sorted(path for path in found if path.suffix in SHOW and path.is_file())


def are_there() -> bool:
    return (PICTURES / "installed").exists()


def findings(path: Path) -> list[Finding]:
    data = path.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        shown = SHOW[path.suffix]([Twin(data)], Path(folder))
    finding = judge(f"{path.parent.name}/{path.name}", ours.shown(data), shown)
    return [] if finding is None else [finding]
