"""What renovate.json's regex managers find in this repository, read as Renovate reads it."""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.stack.folders import ROOT
from tests.unit.ci import copies

Json = dict[str, Any]
FILE = ROOT / "renovate.json"


@dataclass(frozen=True, order=True)
class Match:
    """One pinned version that Renovate would update."""

    path: str
    dependency: str
    version: str


def read() -> Json:
    content: Json = json.loads(FILE.read_text())
    return content


def managers() -> list[Json]:
    found: list[Json] = read()["customManagers"]
    return found


def files(manager: Json) -> list[Path]:
    """Those whose path matches one of `managerFilePatterns`; between slashes these are regular expressions."""
    patterns = [expression(pattern.strip("/")) for pattern in manager["managerFilePatterns"]]
    return [path for path in copies.files() if any(one.search(str(path.relative_to(ROOT))) for one in patterns)]


def matches(manager: Json) -> Iterator[Match]:
    """Raises KeyError when neither a group nor a template names the dependency."""
    for path in files(manager):
        for text in manager["matchStrings"]:
            for found in expression(text).finditer(path.read_text()):
                name = found.groupdict().get("depName") or manager["depNameTemplate"]
                yield Match(str(path.relative_to(ROOT)), name, found["currentValue"])


def misses(manager: Json) -> list[tuple[str, str]]:
    """(pattern of paths, pattern of text) that find nothing together."""
    pairs = itertools.product(manager["managerFilePatterns"], manager["matchStrings"])
    return [
        (path, text)
        for path, text in pairs
        if not any(matches(manager | {"managerFilePatterns": [path], "matchStrings": [text]}))
    ]


def expression(text: str) -> re.Pattern[str]:
    """JavaScript's named groups are written otherwise in Python. Raises re.error."""
    return re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", text), re.MULTILINE)
