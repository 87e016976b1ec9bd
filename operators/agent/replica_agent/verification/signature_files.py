"""The signatures of bundles on disk, each a file `<hex of the digest>.sig`; a restarted agent finds them there."""

from collections.abc import Callable
from pathlib import Path

from replica_agent.files import write_atomic


class SignatureFiles:
    """They are untrusted, and checked at each use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, digest: str) -> Path | None:
        """The file; None when there is none."""
        path = self._path(digest)
        return path if path.is_file() else None

    def read(self, digest: str) -> bytes | None:
        """None when there is none."""
        try:
            return self._path(digest).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, digest: str, content: bytes) -> None:
        """Replaces the one that was there. Raises OSError."""
        write_atomic(self._path(digest), content)

    def discard(self, digest: str) -> None:
        """Deletes the one that is there."""
        self._path(digest).unlink(missing_ok=True)

    def discard_others(self, is_here: Callable[[str], bool]) -> None:
        """Deletes those of bundles that are not here any more."""
        for path in self._folder.iterdir():
            if path.suffix != ".sig" or not is_here(f"sha256:{path.stem}"):
                path.unlink()

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}.sig"
