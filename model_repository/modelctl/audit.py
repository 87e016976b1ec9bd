"""Checks the API's audit stream: every line is unaltered, and none is missing before a writer's last one.

The chain is the one of inference_api/audit/chain.py: `chain` is HMAC-SHA256, under a key derived from the audit key,
over the chain of the writer's line before and the line's own text up to its member `chain`.
"""

import hmac
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FIRST = "0" * 64
_MARK = b',"chain":"'


@dataclass
class Report:
    """`writers`: how many lines of each hold, and the number of its last one; `problems`: a sentence each, in order."""

    writers: dict[str, tuple[int, int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def verify(lines: Iterable[tuple[str, bytes]], key: bytes, *, continued: bool = False) -> Report:
    """`lines`: (where it is, its bytes), each writer's in the order in which they were written.

    `continued`: the lines before are elsewhere, so that a writer may begin with any line.
    """
    verifier = _Verifier(hmac.digest(key, b"chain", "sha256"), continued)
    for place, line in lines:
        verifier.take(place, line)
    return verifier.report


def read_lines(files: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
    """(file and number, bytes) of each line. Raises OSError."""
    for path in files:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield f"{path}, line {number}", line


class _Verifier:
    def __init__(self, key: bytes, continued: bool) -> None:
        self.report = Report()
        self._key, self._continued = key, continued
        self._last: dict[str, tuple[int, str]] = {}

    def take(self, place: str, line: bytes) -> None:
        text, mark, end = line.rstrip(b"\n").rpartition(_MARK)
        entry = _parse(text + b"}")
        if not mark or entry is None:
            self.report.problems.append(f"{place}: this is not a whole line of the audit stream")
            return
        writer, sequence = entry["writer"], entry["sequence"]
        chain = end.removesuffix(b'"}').decode("ascii", "replace")
        before = self._last.get(writer)
        self._last[writer] = (sequence, chain)
        if before is None and self._continued:
            problem = None
        else:
            problem = self._problem(writer, sequence, *(before or (0, FIRST)), text, chain)
        if problem:
            self.report.problems.append(f"{place}: {problem}")
        held, _ = self.report.writers.get(writer, (0, 0))
        self.report.writers[writer] = (held + (problem is None), sequence)

    def _problem(self, writer: str, sequence: int, before: int, previous: str, text: bytes, chain: str) -> str | None:
        if sequence <= before:
            return f"line {sequence} of writer {writer} comes after its line {before}: copied, or out of order"
        if sequence > before + 1:
            missing = f"line {before + 1}" if sequence == before + 2 else f"lines {before + 1} to {sequence - 1}"
            return f"{missing} of writer {writer} missing before this one"
        if not hmac.compare_digest(hmac.digest(self._key, previous.encode() + text, "sha256").hex(), chain):
            return f"line {sequence} of writer {writer} was altered, or the key is another one"
        return None


def _parse(text: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(text)
    except ValueError:
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("writer"), str):
        return None
    return entry if isinstance(entry.get("sequence"), int) else None
