"""What the signatures on disk show now, with the list of signers as it is now."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from modelctl.bundle.errors import BadSignature
from modelctl.bundle.signature.check import check
from modelctl.bundle.signature.signers import Signers, parse_signers

from replica_agent.state import Signature
from replica_agent.verification.signature_files import SignatureFiles

UNSOUGHT = "its signature was not looked for yet"


class Verifier:
    """`signers_file` is read at each use: the kubelet replaces it when the ConfigMap changes.

    Nothing is kept of what an earlier list said, so a key that is taken out counts no longer.
    """

    def __init__(self, signers_file: Path, files: SignatureFiles) -> None:
        self._signers_file, self._files = signers_file, files
        self._not_found: dict[str, str] = {}

    def look(self, digest: str, model: str) -> Signature:
        """The verdict on the signature that is on disk."""
        content = self._files.read(digest)
        if content is None:
            return Signature(problem=self._not_found.get(digest, UNSOUGHT))
        return self.judge(content, digest, model)

    def judge(self, content: bytes, digest: str, model: str) -> Signature:
        """The verdict on this signature."""
        try:
            signed = check(content, digest, model, self._signers(), datetime.now(UTC))
        except BadSignature as problem:
            return Signature(problem=str(problem))
        return Signature(signed.signer, signed.key, signed.until)

    def keep(self, digest: str, content: bytes) -> None:
        """Keeps a signature on disk. Raises OSError."""
        self._files.write(digest, content)

    def discard(self, digests: Iterable[str]) -> None:
        """Deletes what is known of these bundles."""
        for digest in digests:
            self._files.discard(digest)
            self._not_found.pop(digest, None)

    def note(self, digest: str, why: str) -> None:
        """Why none was found, for the report; a signature that is on disk counts more."""
        self._not_found[digest] = why

    def _signers(self) -> Signers:
        try:
            text = self._signers_file.read_bytes()
        except FileNotFoundError:
            text = None
        except OSError as error:
            return Signers(problem=f"{self._signers_file} cannot be read: {error.strerror}")
        return parse_signers(text, str(self._signers_file))
