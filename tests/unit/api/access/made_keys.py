"""Keys and access documents for tests."""

import hashlib
import json
from typing import Any

from inference_api.access import keys

Json = dict[str, Any]


def key(number: int) -> str:
    """A well-formed key; another one for each number from 0 to 9."""
    start = f"medinfer_{number}".ljust(len("medinfer_") + 43, "Z").encode()
    return f"{start.decode()}_{keys.checksum(start).decode()}"


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def client(*numbers: int, **fields: object) -> Json:
    """A client with these keys, valid at any time."""
    return {"keys": [{"sha256": sha256(key(number))} for number in numbers], "scopes": ["predict"], **fields}


def document(**clients: Json) -> bytes:
    return json.dumps({"schemaVersion": 1, "clients": clients}).encode()
