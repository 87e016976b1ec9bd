"""Log lines that a stranger can cause: a bounded number of them, and how many were left out."""

import logging
from collections.abc import Callable, Mapping


class SampledLog:
    """Writes at most `lines` for each key in `every_seconds`; the next one says how many were left out.

    `keys` are a few fixed words: each is remembered for ever. `now` gives seconds.
    """

    def __init__(self, log: logging.Logger, now: Callable[[], float], every_seconds: float = 1, lines: int = 1) -> None:
        self._log = log
        self._now = now
        self._every_seconds = every_seconds
        self._lines = lines
        self._ends: dict[str, float] = {}
        self._written: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def write(self, message: str, details: Mapping[str, object], key: str, level: int = logging.INFO) -> None:
        """Writes the line, or counts it. `details` become fields of the line, with `left_out` where it is not 0."""
        now = self._now()
        if now >= self._ends.get(key, now):
            self._ends[key], self._written[key] = now + self._every_seconds, 0
        if self._written[key] == self._lines:
            self._left_out[key] = self._left_out.get(key, 0) + 1
            return
        self._written[key] += 1
        left_out = self._left_out.pop(key, 0)
        self._log.log(level, message, extra={**details, **({"left_out": left_out} if left_out else {})})
