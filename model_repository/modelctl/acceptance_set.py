"""`modelctl golden`: makes an acceptance set of a hospital's own images and of what its people saw in them."""

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modelctl import text_files
from modelctl.bundle import acceptance
from modelctl.bundle.acceptance import AcceptanceSet, Case
from modelctl.bundle.errors import InvalidBundle, ModelctlError

TABLE = "cases.csv"
_COLUMNS = ["file", "labels"]


@dataclass(frozen=True)
class Limits:
    """Shares of right answers from 0 to 1. `max_side`: larger images are reduced to it; None: they are kept as is."""

    min_right: float
    min_right_per_label: float
    max_side: int | None = None


def make(folder: Path, limits: Limits, labels: tuple[str, ...], out: Path) -> str:
    """Writes the set of the images that `folder`/cases.csv names, and returns its digest. Raises ModelctlError.

    `labels`: those that are judged, in any order; empty: all that the table names.
    """
    rows = _rows(folder / TABLE)
    named = labels or tuple(sorted({label for _, found in rows for label in found}))
    cases = tuple(_case(folder, name, found, named, limits.max_side) for name, found in rows)
    if sum(case.image.size for case in cases) > acceptance.MAX_PIXEL_BYTES:
        raise ModelctlError(
            f"the images have more than {acceptance.MAX_PIXEL_BYTES >> 20} MiB of pixels; take fewer, or use --max-side"
        )
    try:
        data = acceptance.dump(AcceptanceSet(named, limits.min_right, limits.min_right_per_label, cases))
    except InvalidBundle as error:
        raise ModelctlError(f"{folder}: {error}") from None
    out.write_bytes(data)
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _rows(table: Path) -> list[tuple[str, list[str]]]:
    """(file, labels) of each line. Labels are separated by `;`; none: nothing was found in the image."""
    try:
        text = text_files.read(table).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelctlError(f"{table.name} is not UTF-8; save it as UTF-8") from None
    reader = csv.reader(io.StringIO(text))
    if next(reader, None) != _COLUMNS:
        raise ModelctlError(f"{table.name} must begin with the line {','.join(_COLUMNS)}")
    rows = [row for row in reader if row]
    for number, row in enumerate(rows, 2):
        if len(row) != len(_COLUMNS) or not row[0].strip():
            raise ModelctlError(f"{table.name}, line {number}: write the name of a file, a comma, and its labels")
    return [(file.strip(), [one.strip() for one in found.split(";") if one.strip()]) for file, found in rows]


def _case(folder: Path, name: str, found: list[str], known: tuple[str, ...], max_side: int | None) -> Case:
    for label in found:
        if label not in known:
            raise ModelctlError(f"{name} has the label {label}, which --labels does not name; correct one of them")
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ModelctlError(f"{name} is not in {folder}; put it there")
    return Case(_image(folder / name, max_side), frozenset(found))


def _image(path: Path, max_side: int | None) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            if image.mode not in ("L", "RGB"):
                raise ModelctlError(f"{path.name} has mode {image.mode}; save it as 8-bit grey or RGB")
            image.load()
            if max_side and max(image.size) > max_side:
                image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
            return np.asarray(image)
    except (OSError, Image.DecompressionBombError) as error:
        raise ModelctlError(f"{path.name} cannot be read as an image ({error}); replace it") from None
