"""The access document: who may ask, by which keys or tokens, for what. Nothing here does I/O."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from inference_api.access import issuers as issuers_part
from inference_api.access.clients import UNLIMITED, Client, Priority, Quota, Scope
from inference_api.access.fields import InvalidAccess, flag, kind, listed, mapping, only, shown, word
from inference_api.access.issuers import Issuer, TokenRule

SCHEMA_VERSION = 1
MAX_DOCUMENT_BYTES = 1024 * 1024  # a Secret cannot be larger
MAX_CLIENTS = 128  # each is a time series of the metrics, and has a place in every worker's snapshot
MAX_KEYS = 16
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CLIENT_FIELDS = ("keys", "tokens", "scopes", "quota", "priority", "canary", "evidence")
_KEY_FIELDS = ("sha256", "notBefore", "expires")
_QUOTA_FIELDS = ("imagesPerMinute", "imagesInFlight")


@dataclass(frozen=True, slots=True)
class Grant:
    """One key: its client, and from when until when it is valid, in seconds since 1970."""

    client: Client
    not_before: float
    expires: float


@dataclass(frozen=True, slots=True)
class Access:
    """A valid access document. `grants`: by the SHA-256 of the key, 32 bytes. `rules`: the first match counts."""

    clients: tuple[Client, ...]
    grants: Mapping[bytes, Grant]
    issuers: tuple[Issuer, ...] = ()
    rules: tuple[TokenRule, ...] = ()


def parse(content: bytes) -> Access:
    """Reads a document. Raises InvalidAccess."""
    document = _document(content)
    only(document, "the document", ("schemaVersion", "clients", "issuers"))
    if document.get("schemaVersion") != SCHEMA_VERSION:
        raise InvalidAccess(f"schemaVersion: is {kind(document.get('schemaVersion'))}; this API reads {SCHEMA_VERSION}")
    issuers = issuers_part.parse(document.get("issuers"))
    clients: list[Client] = []
    rules: list[TokenRule] = []
    grants: dict[bytes, Grant] = {}
    entries = mapping(document.get("clients"), "clients")
    if len(entries) > MAX_CLIENTS:
        raise InvalidAccess(f"clients: there are {len(entries)}; at most {MAX_CLIENTS} are read")
    for name, value in entries.items():
        fields = mapping(value, f"clients.{shown(name)}")
        client = _client(name, fields)
        clients.append(client)
        _add_keys(grants, client, fields.get("keys", []))
        rules += issuers_part.parse_rules(client, fields.get("tokens"), issuers)
    return Access(tuple(clients), grants, issuers, tuple(rules))


def _document(content: bytes) -> dict[str, object]:
    if len(content) > MAX_DOCUMENT_BYTES:
        raise InvalidAccess(f"the document has more than {MAX_DOCUMENT_BYTES} bytes")
    if not content.strip():
        raise InvalidAccess("the document is empty; make one with `modelctl keys mint`")
    try:
        document = json.loads(content, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as error:
        raise InvalidAccess(f"the document is not JSON ({error}); write a JSON object") from None
    return mapping(document, "the document")


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} is there twice")
    return fields


def _client(name: str, fields: Mapping[str, object]) -> Client:
    where = f"clients.{shown(name)}"
    if not _NAME.fullmatch(name):
        raise InvalidAccess(f"{where}: a client's name has 1 to 63 lower-case letters, digits, '-' and '.'")
    only(fields, where, _CLIENT_FIELDS)
    scopes = listed(fields.get("scopes"), f"{where}.scopes")
    return Client(
        name=name,
        scopes=frozenset(word(scope, f"{where}.scopes", Scope) for scope in scopes),
        quota=_quota(fields.get("quota"), f"{where}.quota"),
        priority=word(fields.get("priority", Priority.NORMAL), f"{where}.priority", Priority),
        canary=flag(fields.get("canary", True), f"{where}.canary"),
        evidence=flag(fields.get("evidence", True), f"{where}.evidence"),
    )


def _add_keys(grants: dict[bytes, Grant], client: Client, value: object) -> None:
    where = f"clients.{client.name}.keys"
    keys = listed(value, where)
    if len(keys) > MAX_KEYS:
        raise InvalidAccess(f"{where}: there are {len(keys)}; at most {MAX_KEYS} are read. Revoke those out of use")
    for index, item in enumerate(keys):
        digest, grant = _key(client, item, f"{where}[{index}]")
        if digest in grants:
            raise InvalidAccess(f"{where}[{index}].sha256: is there twice; give each client its own keys")
        grants[digest] = grant


def _key(client: Client, value: object, where: str) -> tuple[bytes, Grant]:
    fields = mapping(value, where)
    only(fields, where, _KEY_FIELDS)
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
        return UNLIMITED
    fields = mapping(value, where)
    only(fields, where, _QUOTA_FIELDS)
    per_minute, in_flight = (_limit(fields.get(name), f"{where}.{name}") for name in _QUOTA_FIELDS)
    quota = Quota(per_minute, in_flight)
    return UNLIMITED if quota == UNLIMITED else quota


def _limit(value: object, where: str) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 10**9):
        raise InvalidAccess(f"{where}: must be a whole number from 1, or left out for no limit; is {kind(value)}")
    return value


def _time(value: object, where: str, absent: float) -> float:
    if value is None:
        return absent
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) and "T" in value else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidAccess(f"{where}: must be a time like 2027-01-31T00:00:00Z, is {kind(value)}")
    return time.timestamp()
