"""The signatures of bundles on disk, each a file `<hex of the digest>.sig`; a restarted agent finds them there."""

from collections.abc import Callable
from pathlib import Path

from replica_agent.digest_files import DigestFiles
from replica_agent.files import write_atomic


class SignatureFiles(DigestFiles):
    """They are untrusted, and checked at each use."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ".sig")

    def read(self, digest: str) -> bytes | None:
        """None when there is none."""
        try:
            return self.place(digest).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, digest: str, content: bytes) -> None:
        """Replaces the one that was there. Raises OSError."""
        write_atomic(self.place(digest), content)

    def discard_others(self, is_here: Callable[[str], bool]) -> None:
        """Deletes those of bundles that are not here any more."""
        for digest in self.files():
            if not is_here(digest):
                self.discard(digest)
