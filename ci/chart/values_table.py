"""The table of values in the chart's README, from the comments in values.yaml."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts" / "medinfer"
VALUES, README = CHART / "values.yaml", CHART / "README.md"
BEGIN, END = "<!-- values: make chart-docs -->", "<!-- end of values -->"


@dataclass(frozen=True)
class Entry:
    """One key. `comment` is empty when no comment stands right above it."""

    path: tuple[str, ...]
    comment: str
    default: Any


@dataclass
class _Reader:
    path: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def read_entries(text: str) -> Iterator[Entry]:
    """Of every key of every block mapping; what is written in braces is one value."""
    values, reader = yaml.safe_load(text), _Reader()
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("#"):
            reader.comments.append(stripped.removeprefix("#").strip())
        elif not stripped or stripped.startswith("- "):
            reader.comments = []
        else:
            key = stripped.partition(":")[0]
            reader.path[(len(line) - len(line.lstrip())) // 2 :] = [key]
            yield Entry(tuple(reader.path), " ".join(reader.comments), _at(values, reader.path))
            reader.comments = []


def build() -> str:
    entries = list(read_entries(VALUES.read_text()))
    parents = {entry.path[:-1] for entry in entries}
    rows = [_row(entry, entry.path in parents) for entry in entries]
    return "\n".join([BEGIN, "| value | default | meaning |", "|---|---|---|", *rows, END])


def with_table(readme: str) -> str:
    before, _, rest = readme.partition(BEGIN)
    return before + build() + rest.partition(END)[2]


def _row(entry: Entry, is_parent: bool) -> str:
    default = "" if is_parent else f"`{json.dumps(entry.default)}`"
    return f"| `{'.'.join(entry.path)}` | {default} | {entry.comment} |"


def _at(values: Any, path: list[str]) -> Any:
    for key in path:
        values = values[key]
    return values
