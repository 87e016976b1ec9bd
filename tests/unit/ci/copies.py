"""Copies of the repository's files, and where else a text stands in them."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from ci.stack.folders import ROOT
from ci.statements import Place

# Other people's versions, which may be equal by chance.
LOCKS = ("go.mod", "go.sum", "uv.lock")


def copy(places: Sequence[Place], folder: Path) -> Path:
    """The files of `places`, at the same paths below `folder`."""
    for path in {path for place in places for path in ROOT.glob(place.files)}:
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


def mentioning(value: str) -> set[str]:
    """Files of code, settings and pages in which `value` stands as a whole; tests and locks are left out."""
    pattern = re.compile(rf"(?<![\d.]){re.escape(value)}(?![\d.])".encode())
    found = (path.relative_to(ROOT) for path in files() if pattern.search(path.read_bytes()))
    return {str(path) for path in found if path.name not in LOCKS and path.parts[0] != "tests"}


def files() -> Iterator[Path]:
    """All but what tools made: folders with a dot, such as .venv, and caches."""
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if not name.startswith(".") and name != "__pycache__"]
        yield from (Path(folder, name) for name in names)
