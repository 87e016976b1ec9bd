"""The cache of acceptance sets, each a file `<hex of the digest>.npz` that is hashed again before each use."""

import contextlib
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from modelctl.bundle.errors import InvalidBundle

from replica_agent.state import Reason, VersionFailed


class AcceptanceSets:
    """Survives restarts. Opening it removes what a crash left half-written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            if path.suffix != ".npz":
                path.unlink()

    def all(self) -> frozenset[str]:
        """The digests of those that are here."""
        return frozenset(f"sha256:{path.stem}" for path in self._folder.glob("*.npz"))

    def path(self, digest: str) -> Path | None:
        """The file of a set; None when it is not cached."""
        path = self._path(digest)
        return path if path.is_file() else None

    @contextlib.contextmanager
    def partial(self) -> Iterator[Path]:
        """An empty file to fetch into; it is deleted afterwards unless `add` took it."""
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
            path = Path(file.name)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def add(self, partial: Path, digest: str) -> None:
        """Reads the whole set, then renames the file into the cache. Raises InvalidBundle, OSError."""
        # Here, not above: numpy takes a third of a second, and most replicas have no set.
        from modelctl.bundle import acceptance

        acceptance.loads(partial.read_bytes())
        partial.rename(self._path(digest))

    def read(self, digest: str) -> bytes:
        """The bytes of a set that has this digest now. One that was changed is deleted, so it will be fetched again.

        Raises VersionFailed (FetchFailed).
        """
        try:
            content = self._path(digest).read_bytes()
            if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
                raise InvalidBundle("it was changed on disk")
        except (OSError, InvalidBundle) as error:
            self.discard(digest)
            message = f"the cached acceptance set cannot be used and is fetched again: {error}"
            raise VersionFailed(Reason.FETCH_FAILED, message) from None
        return content

    def discard(self, digest: str) -> None:
        """Deletes the set, if it is here."""
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest.removeprefix('sha256:')}.npz"
