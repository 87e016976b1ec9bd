"""The access document: who may ask, by which keys, for what.

Every error names the field and says what to write. An unknown field is an error: a misspelt `expires` would otherwise
be a key that never expires. Nothing here does I/O.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from inference_api.access.clients import Client, Priority, Quota, Scope

SCHEMA_VERSION = 1
MAX_DOCUMENT_BYTES = 1024 * 1024  # a Secret cannot be larger
MAX_CLIENTS = 128  # each is a time series of the metrics, and has a place in every worker's snapshot
MAX_KEYS = 16
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CLIENT_FIELDS = ("keys", "scopes", "quota", "priority", "canary", "evidence")
_KEY_FIELDS = ("sha256", "notBefore", "expires")
_QUOTA_FIELDS = ("imagesPerMinute", "imagesInFlight")

Word = TypeVar("Word", bound=StrEnum)


class InvalidAccess(ValueError):
    """The document cannot be put in force. The text names the field and what to write."""


@dataclass(frozen=True, slots=True)
class Grant:
    """One key: its client, and from when until when it is valid, in seconds since 1970."""

    client: Client
    not_before: float
    expires: float


@dataclass(frozen=True, slots=True)
class Access:
    """A valid access document. `grants`: by the SHA-256 of the key, 32 bytes."""

    clients: tuple[Client, ...]
    grants: Mapping[bytes, Grant]


def parse(content: bytes) -> Access:
    """Reads a document. Raises InvalidAccess."""
    document = _document(content)
    _only(document, "the document", ("schemaVersion", "clients"))
    if document.get("schemaVersion") != SCHEMA_VERSION:
        raise InvalidAccess(
            f"schemaVersion: is {_kind(document.get('schemaVersion'))}; this API reads {SCHEMA_VERSION}"
        )
    clients: list[Client] = []
    grants: dict[bytes, Grant] = {}
    entries = _object(document.get("clients"), "clients")
    if len(entries) > MAX_CLIENTS:
        raise InvalidAccess(f"clients: there are {len(entries)}; at most {MAX_CLIENTS} are read")
    for name, value in entries.items():
        fields = _object(value, f"clients.{_shown(name)}")
        client = _client(name, fields)
        clients.append(client)
        _add_keys(grants, client, fields.get("keys", []))
    return Access(tuple(clients), grants)


def _document(content: bytes) -> dict[str, object]:
    if len(content) > MAX_DOCUMENT_BYTES:
        raise InvalidAccess(f"the document has more than {MAX_DOCUMENT_BYTES} bytes")
    if not content.strip():
        raise InvalidAccess("the document is empty; make one with `modelctl keys mint`")
    try:
        document = json.loads(content, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise InvalidAccess(f"the document is not JSON ({error}); write a JSON object") from None
    return _object(document, "the document")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{_shown(twice)} is there twice")
    return fields


def _client(name: str, fields: Mapping[str, object]) -> Client:
    where = f"clients.{_shown(name)}"
    if not _NAME.fullmatch(name):
        raise InvalidAccess(f"{where}: a client's name has 1 to 63 lower-case letters, digits, '-' and '.'")
    _only(fields, where, _CLIENT_FIELDS)
    scopes = _list(fields.get("scopes"), f"{where}.scopes")
    return Client(
        name=name,
        scopes=frozenset(_word(scope, f"{where}.scopes", Scope) for scope in scopes),
        quota=_quota(fields.get("quota"), f"{where}.quota"),
        priority=_word(fields.get("priority", Priority.NORMAL), f"{where}.priority", Priority),
        canary=_flag(fields.get("canary", True), f"{where}.canary"),
        evidence=_flag(fields.get("evidence", True), f"{where}.evidence"),
    )


def _add_keys(grants: dict[bytes, Grant], client: Client, value: object) -> None:
    where = f"clients.{client.name}.keys"
    keys = _list(value, where)
    if len(keys) > MAX_KEYS:
        raise InvalidAccess(f"{where}: there are {len(keys)}; at most {MAX_KEYS} are read. Revoke those out of use")
    for index, item in enumerate(keys):
        digest, grant = _key(client, item, f"{where}[{index}]")
        if digest in grants:
            raise InvalidAccess(f"{where}[{index}].sha256: is there twice; give each client its own keys")
        grants[digest] = grant


def _key(client: Client, value: object, where: str) -> tuple[bytes, Grant]:
    fields = _object(value, where)
    _only(fields, where, _KEY_FIELDS)
    digest = fields.get("sha256")
    if not isinstance(digest, str) or not _SHA256.fullmatch(digest):
        # Not shown: it may be the key itself.
        raise InvalidAccess(f"{where}.sha256: must be the SHA-256 of a key, 64 lower-case hex digits")
    not_before = _time(fields.get("notBefore"), f"{where}.notBefore", float("-inf"))
    expires = _time(fields.get("expires"), f"{where}.expires", float("inf"))
    if not_before >= expires:
        raise InvalidAccess(f"{where}.expires: is not after notBefore; the key would never be valid")
    return bytes.fromhex(digest), Grant(client, not_before, expires)


def _quota(value: object, where: str) -> Quota:
    if value is None:
        return Quota()
    fields = _object(value, where)
    _only(fields, where, _QUOTA_FIELDS)
    per_minute, in_flight = (_limit(fields.get(name), f"{where}.{name}") for name in _QUOTA_FIELDS)
    return Quota(per_minute, in_flight)


def _limit(value: object, where: str) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10**9):
        raise InvalidAccess(f"{where}: must be a whole number from 1, or left out for no limit; is {_kind(value)}")
    return value


def _time(value: object, where: str, absent: float) -> float:
    if value is None:
        return absent
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidAccess(f"{where}: must be a time like 2027-01-31T00:00:00Z, is {_kind(value)}")
    return time.timestamp()


def _only(fields: Mapping[str, object], where: str, known: Collection[str]) -> None:
    for name in fields:
        if name not in known:
            raise InvalidAccess(f"{where}: has an unknown field {_shown(name)}; known are {', '.join(known)}")


def _object(value: object, where: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise InvalidAccess(f"{where}: must be an object, is {_kind(value)}")
    return value


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise InvalidAccess(f"{where}: must be a list, is {_kind(value)}")
    return value


def _word(value: object, where: str, words: type[Word]) -> Word:
    if not isinstance(value, str) or value not in set(words):
        raise InvalidAccess(f"{where}: must be of {', '.join(words)}, is {_kind(value)}")
    return words(value)


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise InvalidAccess(f"{where}: must be true or false, is {_kind(value)}")
    return value


def _shown(name: str) -> str:
    """A name, cut so that a key which somebody wrote in its place does not get into the log."""
    return name if len(name) <= 40 else f"{name[:12]}..."


def _kind(value: object) -> str:
    """The type alone, for the same reason."""
    if value is None:
        return "missing"
    if isinstance(value, bool | int | float):
        return json.dumps(value)[:20]
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "another text"
