"""Attempts and how they ended, under the names that Plan.attempt gives. A restarted agent reads them back.

An attempt is on disk before Triton is asked. So a version that kills Triton, the agent or the pod is known afterwards.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from replica_agent.files import write_atomic
from replica_agent.state import Failure, Reason

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 1.0, 60.0


def retry_after_seconds(count: int) -> float:
    """The pause after failure number `count`: 1, 2, 4 ... 60 s."""
    return float(min(LAST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(count - 1, 10)))


class Attempts:
    """`open`: attempts that have not ended. Failures that will be retried are in memory only, as their clock is.

    `deaths`: how often Triton died during an attempt that has not ended well since.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.open: frozenset[str] = frozenset()
        self.failures: dict[str, Failure] = {}
        self.deaths: dict[str, int] = {}
        self._written = ""
        self._read()

    def begin(self, name: str) -> None:
        """Must be called before Triton is asked."""
        self.open |= {name}
        self._write()

    def succeed(self, name: str) -> None:
        """The version is proved; its earlier failures no longer count."""
        self.open -= {name}
        self.failures.pop(name, None)
        self.deaths.pop(name, None)
        self._write()

    def abandon(self, name: str) -> None:
        """The agent stopped it, which says nothing about the version."""
        self.open -= {name}
        self._write()

    def die(self, name: str) -> None:
        """Triton died during it."""
        self.deaths[name] = self.deaths.get(name, 0) + 1
        self.open -= {name}
        self._write()

    def fail(self, name: str, reason: Reason, message: str, retry_from_seconds: float | None) -> None:
        """`retry_from_seconds`: the agent's clock now, or None for a failure that only another plan clears."""
        count = self.failures[name].count + 1 if name in self.failures else 1
        retry_at = None if retry_from_seconds is None else retry_from_seconds + retry_after_seconds(count)
        self.failures[name] = Failure(reason, message, retry_at, count)
        self.open -= {name}
        self._write()

    def forget_others(self, names: Iterable[str]) -> None:
        """Keeps only what is known under `names`, those of the current plan."""
        kept = frozenset(names)
        self.open &= kept
        self.failures = {name: failure for name, failure in self.failures.items() if name in kept}
        self.deaths = {name: count for name, count in self.deaths.items() if name in kept}
        self._write()

    def _write(self) -> None:
        final = {name: asdict(f) for name, f in self.failures.items() if f.retry_at_seconds is None}
        document = {"schemaVersion": 1, "open": sorted(self.open), "failures": final, "deaths": self.deaths}
        text = json.dumps(document, sort_keys=True)
        if text != self._written:
            write_atomic(self._path, text.encode())
            self._written = text

    def _read(self) -> None:
        try:
            document = json.loads(self._path.read_bytes())
            self.open = frozenset(map(str, document["open"]))
            self.failures = {
                name: Failure(Reason(entry["reason"]), str(entry["message"]), None, int(entry["count"]))
                for name, entry in document["failures"].items()
            }
            self.deaths = {str(name): int(count) for name, count in document.get("deaths", {}).items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self.open, self.failures, self.deaths = frozenset(), {}, {}
