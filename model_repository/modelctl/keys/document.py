"""Reads, edits and writes the access document. Fields that this module does not know stay as they are.

The API checks the document in full and keeps the last valid one; here only what is edited is checked.
"""

import json
import os
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from modelctl.bundle.errors import ModelctlError
from modelctl.keys import key

SCHEMA_VERSION = 1
MAX_KEYS = 16
SCOPES = ("predict", "status")
PRIORITIES = ("urgent", "normal")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")

Json = dict[str, Any]


class InvalidAccess(ModelctlError):
    """The access document cannot be edited, or the edit makes no sense."""


def read(path: Path) -> Json:
    """The document; an empty one where there is no file. Raises InvalidAccess, OSError."""
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {"schemaVersion": SCHEMA_VERSION, "clients": {}}
    except ValueError as error:
        raise InvalidAccess(f"{path} is not JSON: {error}") from None
    if not isinstance(document, dict) or document.get("schemaVersion") != SCHEMA_VERSION:
        raise InvalidAccess(f"{path} is no access document with schemaVersion {SCHEMA_VERSION}")
    clients = document.get("clients")
    if not isinstance(clients, dict) or not all(_is_client(client) for client in clients.values()):
        raise InvalidAccess(f"{path}: clients must map each name to an object with a list of keys")
    return document


def write(document: Json, path: Path) -> None:
    """Replaces the file at once, so that no reader sees half of it; only its owner may read it."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def mint(document: Json, name: str, changes: Mapping[str, object], entry: Json) -> None:
    """Adds a key to a client, which is made when it is not there. `changes`: fields of the client that become so."""
    if not _NAME.fullmatch(name):
        raise InvalidAccess(f"{name}: a client's name has 1 to 63 lower-case letters, digits, '-' and '.'")
    if "notBefore" in entry and "expires" in entry and time(entry["notBefore"]) >= time(entry["expires"]):
        raise InvalidAccess("--expires is not after --not-before: the key would never be valid")
    client = document["clients"].setdefault(name, {"keys": [], "scopes": list(SCOPES)})
    client.update(changes)
    keys = client.setdefault("keys", [])
    if len(keys) >= MAX_KEYS:
        raise InvalidAccess(f"{name} has {len(keys)} keys already, and at most {MAX_KEYS} are read: revoke some first")
    keys.append(entry)


def revoke(document: Json, name: str, is_revoked: Callable[[Json], bool]) -> list[Json]:
    """Removes these keys of a client and returns them; the client stays. Raises InvalidAccess when there are none."""
    client = document["clients"].get(name)
    if client is None:
        known = ", ".join(sorted(document["clients"])) or "none"
        raise InvalidAccess(f"there is no client {name}; known are: {known}")
    keys = client.get("keys", [])
    revoked = [entry for entry in keys if is_revoked(entry)]
    if not revoked:
        raise InvalidAccess(f"{name} has no such key: modelctl keys list shows those that it has")
    client["keys"] = [entry for entry in keys if entry not in revoked]
    return revoked


def time(text: str) -> datetime:
    """A time of the document. Raises InvalidAccess."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InvalidAccess(f"{text!r} is no time like 2027-01-31T00:00:00Z")
    return found.astimezone(UTC)


def text(time: datetime) -> str:
    """A time as the document has it, in whole seconds."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_expired(entry: Json, now: datetime) -> bool:
    """Whether the key is of no use any more."""
    return "expires" in entry and time(entry["expires"]) <= now


def rows(document: Json, now: datetime) -> list[tuple[str, ...]]:
    """A heading, then one row for each key, and one for each client without."""
    heading = ("CLIENT", "KEY", "STATE", "NOT BEFORE", "EXPIRES", "SCOPES", "PRIORITY", "CANARY", "EVIDENCE")
    table: list[tuple[str, ...]] = [heading]
    for name, client in sorted(document["clients"].items()):
        about = (
            ",".join(client.get("scopes", [])) or "-",
            client.get("priority", "normal"),
            _yes(client.get("canary", True)),
            _yes(client.get("evidence", True)),
        )
        for entry in client.get("keys", []):
            times = (entry.get("notBefore", "-"), entry.get("expires", "never"))
            table.append((name, key.id(entry["sha256"]), _state(entry, now), *times, *about))
        if not client.get("keys"):
            table.append((name, "-", "no key", "-", "-", *about))
    return table


def _state(entry: Json, now: datetime) -> str:
    if is_expired(entry, now):
        return "expired"
    return "later" if "notBefore" in entry and time(entry["notBefore"]) > now else "valid"


def _is_client(client: object) -> bool:
    if not isinstance(client, dict):
        return False
    keys = client.get("keys", [])
    return isinstance(keys, list) and all(isinstance(one, dict) and isinstance(one.get("sha256"), str) for one in keys)


def _yes(flag: object) -> str:
    return "yes" if flag else "no"
