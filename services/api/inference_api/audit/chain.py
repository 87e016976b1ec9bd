"""Chains lines: each carries a keyed hash over itself and the hash of the line before it.

`modelctl audit verify` checks the chain; modelctl/audit.py has the same rule.
"""

import hmac
from collections.abc import Mapping
from copy import copy
from typing import Any

from pydantic_core import to_json

FIRST = "0" * 64  # the hash before a writer's first line


class Chain:
    """One writer's lines. `extend` gives the bytes of the next ones."""

    def __init__(self, key: bytes, writer: str) -> None:
        self._keyed, self._writer = hmac.new(key, digestmod="sha256"), writer
        self._sequence, self._previous = 0, FIRST

    def extend(self, entries: list[Mapping[str, Any]]) -> "tuple[bytes, Chain]":
        """The lines of these entries, and the chain after them. Nothing changes here."""
        after = copy(self)
        return b"".join(after._append(entry) for entry in entries), after

    def _append(self, entry: Mapping[str, Any]) -> bytes:
        self._sequence += 1
        numbered = {"writer": self._writer, "sequence": self._sequence, **entry}
        text = to_json(numbered)[:-1]
        keyed = self._keyed.copy()  # hmac.digest would let the event loop's thread in for each line
        keyed.update(self._previous.encode() + text)
        self._previous = keyed.hexdigest()
        return text + b',"chain":"' + self._previous.encode() + b'"}\n'
