"""Addresses of bundles in registries: oci://HOST/REPOSITORY with a digest, or for people also with a tag."""

import re
from dataclasses import dataclass

from modelctl.bundle.oci.errors import InvalidArtifact

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

_HOST = r"(?P<host>(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9]|\[[0-9a-fA-F:]+\])(?::\d{1,5})?)"
_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REPOSITORY = rf"(?P<repository>{_NAME}(?:/{_NAME})*)"
_TAG = r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
_ADDRESS = re.compile(rf"oci://{_HOST}/{_REPOSITORY}{_TAG}(?:@(?P<digest>{DIGEST.pattern}))?")
_MOST_CHARACTERS = 2048


@dataclass(frozen=True)
class Reference:
    """`host`: with its port, if it has one. `digest`: the manifest's. The grammar is the OCI distribution spec's."""

    host: str
    repository: str
    tag: str | None = None
    digest: str | None = None

    def at(self, digest: str) -> str:
        """The address that a ModelRollout takes."""
        return f"oci://{self.host}/{self.repository}@{digest}"


def signature_tag(digest: str) -> str:
    """Where the signature of a bundle lies in the bundle's repository. `digest`: the bundle's, not its manifest's."""
    return f"{digest.replace(':', '-')}.sig"


def signature_address(uri: str, digest: str) -> str:
    """The same for the bundle at `uri`. Raises InvalidArtifact."""
    found = parse(uri)
    return f"oci://{found.host}/{found.repository}:{signature_tag(digest)}"


def parse(uri: str) -> Reference:
    """Raises InvalidArtifact."""
    found = _ADDRESS.fullmatch(uri) if len(uri) <= _MOST_CHARACTERS else None
    if found is None:
        raise InvalidArtifact(
            f"{uri[:200]!r} is no address in a registry; write oci://HOST/REPOSITORY, in lower-case letters, digits, "
            "'.', '_', '-' and '/', and a tag (:3) or a digest (@sha256:...) behind it"
        )
    return Reference(**found.groupdict())


def parse_pinned(uri: str) -> tuple[Reference, str]:
    """The address and its digest; a tag is refused, as it may mean other bytes tomorrow. Raises InvalidArtifact."""
    found = parse(uri)
    if found.digest is None or found.tag is not None:
        raise InvalidArtifact(
            f"{uri[:200]!r} names no digest alone, and a tag can come to mean other bytes; write "
            f"oci://{found.host}/{found.repository}@sha256:...; modelctl push prints it, and modelctl resolve finds it"
        )
    return found, found.digest
