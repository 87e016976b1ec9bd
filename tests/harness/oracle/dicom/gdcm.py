"""GDCM: the stored words of DICOM files. The Debian package is python3-gdcm."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PYTHON = "/usr/bin/python3"
SCRIPT = Path(__file__).with_name("gdcm_words.py")


def read_all(folder: Path) -> None:
    """Decodes each N.dcm in a folder; `words` then returns what came out."""
    subprocess.run([PYTHON, "-I", str(SCRIPT), str(folder)], check=True, capture_output=True)


def words(path: Path, shape: tuple[int, ...], word_bytes: int) -> NDArray[Any] | None:
    """The first frame, unsigned [rows, columns] or [rows, columns, 3] as `shape` says; None: GDCM does not read it.

    Single bits, 0 bytes, are left to DCMTK.
    """
    decoded = path.with_suffix(".gdcm")
    if not word_bytes or not decoded.exists():
        return None
    head, _, pixels = decoded.read_bytes().partition(b"\n")
    found = np.frombuffer(pixels, np.dtype(f"<u{word_bytes}"), int(np.prod(shape)))
    if len(shape) == 3 and head.startswith(b"1"):
        return found.reshape(shape[2], shape[0], shape[1]).transpose(1, 2, 0)
    return found.reshape(shape)
