"""Where files state one fact, such as a version: what each of them says, and the same files saying something else."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


class MissingStatement(Exception):
    """A place does not state what it should; the message names the files and the pattern."""


@dataclass(frozen=True)
class Place:
    """`files`: a glob from the root; each file that it finds states the fact. `pattern`: its one group is the value."""

    files: str
    pattern: str


@dataclass(frozen=True)
class Statement:
    """`line` counts from 1, as editors do."""

    path: Path
    line: int
    value: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.value}"


def read(root: Path, places: Sequence[Place]) -> list[Statement]:
    """Every statement, paths relative to `root`. Raises MissingStatement for a place without a file or a match."""
    return [statement for place in places for path in _files(root, place) for statement in _read(root, path, place)]


def write(root: Path, places: Sequence[Place], value: str) -> list[Path]:
    """States `value` everywhere; returns the files that changed. Raises MissingStatement before it writes anything."""
    read(root, places)
    return [path for place in places for path in _files(root, place) if _write(path, place, value)]


def differing(statements: Sequence[Statement], value: str) -> list[str]:
    """A line for each statement of another value."""
    return [str(one) for one in statements if one.value != value]


def _files(root: Path, place: Place) -> list[Path]:
    found = sorted(root.glob(place.files))
    if not found:
        raise MissingStatement(f"{place.files}: there is no such file")
    return found


def _read(root: Path, path: Path, place: Place) -> Iterator[Statement]:
    text = path.read_text()
    matches = list(re.finditer(place.pattern, text, re.MULTILINE))
    if not matches:
        raise MissingStatement(f"{path.relative_to(root)}: nothing matches {place.pattern}")
    for match in matches:
        yield Statement(path.relative_to(root), text.count("\n", 0, match.start(1)) + 1, match[1])


def _write(path: Path, place: Place, value: str) -> bool:
    text = path.read_text()
    changed = re.sub(place.pattern, lambda match: _replaced(match, value), text, flags=re.MULTILINE)
    path.write_text(changed)
    return changed != text


def _replaced(match: re.Match[str], value: str) -> str:
    whole, start = match[0], match.start()
    return whole[: match.start(1) - start] + value + whole[match.end(1) - start :]
