"""Chains lines: each carries a keyed hash over itself and the hash of the line before it.

`modelctl audit verify` checks the chain; modelctl/audit.py has the same rule.
"""

import hmac
import json
from collections.abc import Mapping
from typing import Any

FIRST = "0" * 64  # the hash before a writer's first line


class Chain:
    """One writer's lines. `extend` gives the bytes of the next ones."""

    def __init__(self, key: bytes, writer: str) -> None:
        self._key, self._writer = key, writer
        self._sequence, self._previous = 0, FIRST

    def extend(self, entries: list[Mapping[str, Any]]) -> "tuple[bytes, Chain]":
        """The lines of these entries, and the chain after them. Nothing changes here."""
        after = Chain(self._key, self._writer)
        after._sequence, after._previous = self._sequence, self._previous
        return b"".join(after._append(entry) for entry in entries), after

    def _append(self, entry: Mapping[str, Any]) -> bytes:
        self._sequence += 1
        numbered = {"writer": self._writer, "sequence": self._sequence, **entry}
        text = json.dumps(numbered, ensure_ascii=True, separators=(",", ":"))[:-1].encode()
        self._previous = hmac.digest(self._key, self._previous.encode() + text, "sha256").hex()
        return text + b',"chain":"' + self._previous.encode() + b'"}\n'
