"""Signatures and attestations, by cosign: with a key, or in CI with the identity that its workflow has."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.release.programs import cosign
from ci.stack.errors import CommandFailed

SBOM, PROVENANCE = "cyclonedx", "slsaprovenance1"
# The transparency log is on the internet, and only the identity of a workflow needs it.
OFFLINE = "--tlog-upload=false"
# cosign asks the internet for Sigstore's own keys unless it has one already, which a signature with a key never uses.
NOT_ASKED = "SIGSTORE_REKOR_PUBLIC_KEY"


@dataclass(frozen=True)
class Signer:
    """`key`: the file of cosign's private key, whose password is in COSIGN_PASSWORD; None signs with CI's identity."""

    key: Path | None

    def sign(self, names: list[str]) -> None:
        """Names with digests. Raises CommandFailed."""
        cosign("sign", *self._options(), *names)

    def attest(self, name: str, kind: str, predicate: Path) -> None:
        """Raises CommandFailed."""
        cosign("attest", *self._options(), "--type", kind, "--predicate", str(predicate), name)

    def _options(self) -> list[str]:
        return ["--yes", *(["--key", str(self.key), OFFLINE] if self.key else [])]


@dataclass(frozen=True)
class Verifier:
    """Who must have signed: the owner of `key`, a file with the public one, or CI as `identity` and `issuer` say."""

    key: Path | None
    identity: str = ""
    issuer: str = ""

    def digest(self, name: str) -> str:
        """sha256:... of what has this name and is signed. Raises CommandFailed."""
        said: list[dict[str, Any]] = json.loads(self._ask("verify", "--output", "json", name))
        found: str = said[0]["critical"]["image"]["docker-manifest-digest"]
        return found

    def attested(self, name: str, kind: str) -> None:
        """Raises CommandFailed where no such attestation of the signer's is there."""
        self._ask("verify-attestation", "--type", kind, "--output", "text", name)

    def _ask(self, command: str, *arguments: str) -> str:
        if self.key is None:
            who = ("--certificate-identity", self.identity, "--certificate-oidc-issuer", self.issuer)
            return cosign(command, *who, *arguments)
        key = str(self.key)
        return cosign(command, "--key", key, "--private-infrastructure", *arguments, environment={NOT_ASKED: key})


def signer(key: Path | None, *, keyless: bool) -> Signer:
    """Raises CommandFailed for a key that is not there, or that cosign cannot open without asking."""
    if keyless:
        return Signer(None)
    if key is None:
        raise CommandFailed("name the key to sign with, as in KEY=cosign.key; cosign generate-key-pair makes one")
    if not key.is_file():
        raise CommandFailed(f"{key} is not there: cosign generate-key-pair makes a key")
    if "COSIGN_PASSWORD" not in os.environ:
        raise CommandFailed(f"COSIGN_PASSWORD is not set: it is the password of {key}, and may be empty")
    return Signer(key)


def verifier(key: Path | None, identity: str, issuer: str) -> Verifier:
    """Raises CommandFailed where neither a public key nor an identity is named."""
    if key is None and not identity:
        raise CommandFailed("name who must have signed, as in KEY=cosign.pub, or IDENTITY=https://... of the workflow")
    if key is not None and not key.is_file():
        raise CommandFailed(f"{key} is not there: it is the public key of who signed the release")
    return Verifier(key, identity, issuer)
