"""Logs of processes that may be writing their last line."""

import json
from pathlib import Path

from ci.stack.documents import Json


def whole_lines(log: Path) -> list[str]:
    """Empty while there is no log."""
    text = log.read_text() if log.exists() else ""
    return text[: text.rfind("\n") + 1].splitlines()


def entries(log: Path) -> list[Json]:
    """Its lines of JSON, as API, agents and operators write them; the others are left out."""
    return [json.loads(line) for line in whole_lines(log) if line.startswith("{")]
