"""What an agent may ask: the prefixes of its settings, by scheme, host, port and path. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelctl.bundle.archive import MAX_BYTES

from replica_agent.store.errors import Refused
from replica_agent.store.redaction import redact

MAX_BUNDLE_BYTES = sum(MAX_BYTES.values()) + (64 << 10)  # and the tar's headers
_DEFAULT_PORTS = {"http": 80, "https": 443, "oci": 443}


@dataclass(frozen=True)
class Rules:
    """`authorization`: the header for the store over https. `ca_file`: authorities to trust besides the system's.

    `pull_secret_file`: credentials for registries, as Docker's config.json has them.
    `timeout_seconds` is for one bundle as a whole, with every try.
    """

    prefixes: tuple[str, ...] = ("https://", "oci://", "s3://")
    allow_local_addresses: bool = False
    timeout_seconds: float = 3600
    max_bytes: int = MAX_BUNDLE_BYTES
    authorization: str = ""
    ca_file: Path | None = None
    pull_secret_file: Path | None = None


def siblings(rules: Rules) -> Rules:
    """The rules for the other replicas, whose addresses are the operator's: plain HTTP, and nothing of the store's."""
    return Rules(("http://",), rules.allow_local_addresses, rules.timeout_seconds, rules.max_bytes)


@dataclass(frozen=True)
class _Parts:
    scheme: str
    host: str
    port: int | None
    path: tuple[str, ...]


def check(uri: str, prefixes: Sequence[str]) -> None:
    """Raises Refused unless the address begins with one of the prefixes, part by part."""
    parts = _split(uri)
    if not any(_is_under(parts, _split(prefix)) for prefix in prefixes):
        raise Refused(
            f"{redact(uri)}: is under none of the allowed addresses ({', '.join(prefixes)}); "
            "put the bundle there, or add its address to triton.agent.allowedPrefixes"
        )


def check_credentials(uri: str) -> None:
    """Raises Refused for an address of a rollout that holds a user, a password or a query."""
    parts = urlsplit(uri)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise Refused(
            f"{redact(uri)}: the address holds a user, a password or a query, which everybody can read in the "
            "rollout; write it without, and put credentials into the Secret of triton.agent.environmentSecretName"
        )


def check_prefix(prefix: str) -> str:
    """The prefix itself; raises ValueError with what to write."""
    parts = urlsplit(prefix)
    if (
        parts.scheme not in ("file", "http", "https", "oci", "s3")
        or "@" in parts.netloc
        or parts.query
        or parts.fragment
    ):
        raise ValueError(
            "write addresses like https://store.example/models/, oci://registry.example/models/, s3://bucket/ or "
            "file:/bundles/"
        )
    _split(prefix)
    return prefix


def is_named(uri: str, prefixes: Sequence[str]) -> bool:
    """Whether a prefix names the address's own scheme, host and port, and not just its scheme. Raises Refused."""
    parts = _split(uri)
    return any(
        (one.scheme, one.host, one.port) == (parts.scheme, parts.host, parts.port) for one in map(_split, prefixes)
    )


def _is_under(uri: _Parts, prefix: _Parts) -> bool:
    if uri.scheme != prefix.scheme or uri.path[: len(prefix.path)] != prefix.path:
        return False
    return not prefix.host or (uri.host, uri.port) == (prefix.host, prefix.port)


def _split(uri: str) -> _Parts:
    """Raises Refused for an address that two readers could read differently."""
    try:
        parts = urlsplit(uri)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        raise Refused(f"{redact(uri)}: cannot be read as an address; correct it") from None
    written = re.split("[@:]", parts.path)[0] if parts.scheme == "oci" else parts.path  # without digest and tag
    path = tuple(filter(None, unquote(written).split("/")))
    if re.search(r"[\x00-\x20\\]", uri) or "\\" in unquote(parts.path) or {".", ".."} & set(path):
        raise Refused(f"{redact(uri)}: has white space, a backslash, or the segment . or ..; write it without")
    return _Parts(parts.scheme, (parts.hostname or "").rstrip("."), port, path)
