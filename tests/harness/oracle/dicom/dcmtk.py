"""DCMTK: what its display pipeline makes of the first frame of a DICOM file. The Debian package is dcmtk."""

import os
import subprocess
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.harness.oracle.netpbm_text import parse

_GROUPS = ("(0002", "(0008", "(0028", "(7fe0", "(fffe")

# The window of the file, its table, or from the lowest to the highest.
VOI = ("+Wi 1", "+Wl 1", "+Wm")


def shown(path: Path, syntax: str, voi: Sequence[str]) -> NDArray[np.uint8] | None:
    """uint8 [rows, columns] or [rows, columns, 3]; None: DCMTK does not read it. Without overlays.

    The first option that works is used.
    """
    program = {"JPEG": "dcmj2pnm", "JPEG-lossless": "dcmj2pnm", "JPEG-LS": "dcml2pnm"}.get(syntax, "dcm2pnm")
    for option in voi:
        ended = subprocess.run(
            [program, "-q", "-O", *option.split(), str(path)], capture_output=True, env={**os.environ, **_dictionary()}
        )
        if ended.returncode == 0 and ended.stdout:
            return parse(ended.stdout)[0]
    return None


@cache
def _dictionary() -> dict[str, str]:
    """Only what a picture needs of DCMTK's dictionary, which takes two thirds of its time to read."""
    whole = next(Path("/usr/share").glob("libdcmtk*/dicom.dic"), None)
    if whole is None:
        return {}
    lines = [line for line in whole.read_text().splitlines() if line[:5].lower() in _GROUPS]
    small = Path(tempfile.mkdtemp(prefix="dcmtk-")) / "small.dic"
    small.write_text("\n".join(lines) + "\n")
    return {"DCMDICTPATH": str(small)}
