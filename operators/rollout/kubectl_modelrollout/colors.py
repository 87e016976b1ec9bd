"""Colours, for terminals that show them."""

import re
from dataclasses import dataclass

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Colors:
    """Paints text with ANSI escapes; returns it as it is unless `is_on`."""

    is_on: bool = False

    def good(self, text: str) -> str:
        return self._paint(text, 32)

    def bad(self, text: str) -> str:
        return self._paint(text, 31)

    def waits(self, text: str) -> str:
        return self._paint(text, 33)

    def strong(self, text: str) -> str:
        return self._paint(text, 1)

    def faint(self, text: str) -> str:
        return self._paint(text, 2)

    def _paint(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.is_on and text else text


def width(text: str) -> int:
    """Of what is seen.

    >>> width(Colors(True).good("Warm"))
    4
    """
    return len(ESCAPES.sub("", text))
