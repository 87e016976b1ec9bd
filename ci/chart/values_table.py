"""The table of values in the chart's README, from the comments in values.yaml."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from ci.chart.generated import Generated
from ci.stack.folders import ROOT

CHART = ROOT / "charts" / "medinfer"
VALUES = CHART / "values.yaml"
README = Generated(CHART / "README.md", "<!-- values: make chart-docs -->", "<!-- end of values -->")


@dataclass(frozen=True)
class Entry:
    """One key. `comment` is the comment directly above it, in one line, or empty."""

    path: tuple[str, ...]
    comment: str
    default: Any


@dataclass
class _Reader:
    path: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def read_entries(text: str) -> Iterator[Entry]:
    """Yield an entry for each key of each block mapping; a flow mapping in braces is one value."""
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
    """Return the table in Markdown, in the order of values.yaml."""
    entries = list(read_entries(VALUES.read_text()))
    parents = {entry.path[:-1] for entry in entries}
    rows = [_row(entry, entry.path in parents) for entry in entries]
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *rows])


def _row(entry: Entry, is_parent: bool) -> str:
    default = "" if is_parent else f"`{json.dumps(entry.default)}`"
    return f"| `{'.'.join(entry.path)}` | {default} | {entry.comment} |"


def _at(values: Any, path: list[str]) -> Any:
    for key in path:
        values = values[key]
    return values
