"""Canonical JSON: equal values give equal texts, so that the sha256 names the value."""

import hashlib
import json
from typing import Any


def dumps(value: Any) -> str:
    """ASCII, sorted keys, no spaces. Raises ValueError for NaN and infinity."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def sha256(value: Any) -> str:
    """Hex sha256 of the canonical JSON of `value`."""
    return hashlib.sha256(dumps(value).encode()).hexdigest()
