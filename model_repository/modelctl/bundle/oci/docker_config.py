"""Credentials for registries in Docker's config.json, which a Secret of type kubernetes.io/dockerconfigjson also holds.

Which entry is meant for a repository is decided as the kubelet does it (k8s.io/kubernetes/pkg/credentialprovider).
"""

import base64
import json
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from modelctl.bundle.oci.errors import InvalidArtifact
from modelctl.bundle.oci.reference import Reference


@dataclass(frozen=True)
class Credential:
    user: str
    password: str = field(repr=False)

    @property
    def basic(self) -> str:
        """The header Authorization."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def find(content: bytes, reference: Reference) -> Credential | None:
    """The credential for this repository; None if there is none. Raises InvalidArtifact, without telling the content.

    The longest key that matches wins: `*` stands for a part of a host name, and a path for all repositories that
    begin with it.
    """
    try:
        auths = json.loads(content)["auths"]
        entries = {_key(name): entry for name, entry in auths.items()}
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise InvalidArtifact(
            'the credentials of registries are no {"auths": {...}} in JSON; write them anew'
        ) from None
    for key in sorted(entries, reverse=True):
        if _matches(key, reference) and (found := _read(key, entries[key])):
            return found
    return None


def _key(name: str) -> str:
    """Host and path of an entry: a scheme is ignored, and Docker's old /v1/ and /v2/ too."""
    parts = urlsplit(name if name.startswith(("https://", "http://")) else f"https://{name}")
    path = parts.path[3:] if parts.path.startswith(("/v1/", "/v2/")) else parts.path
    return parts.netloc + ("" if path == "/" else path)


def _matches(key: str, reference: Reference) -> bool:
    host, slash, path = key.partition("/")
    (name, port), (wanted, wanted_port) = _split(host), _split(reference.host)
    parts, wanted_parts = name.split("."), wanted.split(".")
    return (
        port == wanted_port
        and len(parts) == len(wanted_parts)
        and all(one == glob or fnmatchcase(one, glob) for one, glob in zip(wanted_parts, parts, strict=True))
        and f"/{reference.repository}".startswith(slash + path)
    )


def _split(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and port.isdigit() else (host, "")


def _read(key: str, entry: Any) -> Credential | None:
    """An entry without a password is none, such as those that `docker login` leaves where a helper keeps it."""
    problem = f"the entry for {key} among the credentials of registries cannot be read; write it anew"
    if not isinstance(entry, dict):
        raise InvalidArtifact(problem)
    user, password = entry.get("username"), entry.get("password")
    if encoded := entry.get("auth"):
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (ValueError, TypeError):
            raise InvalidArtifact(problem) from None
    if not user and not password:
        return None
    if not isinstance(user, str) or not isinstance(password, str):
        raise InvalidArtifact(problem)
    return Credential(user, password.rstrip("\x00"))
