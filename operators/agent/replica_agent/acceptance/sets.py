"""The cache of acceptance sets, each a file `<hex of the digest>.npz` that is hashed again before each use."""

import hashlib
from pathlib import Path

from modelctl.bundle.errors import InvalidBundle

from replica_agent.digest_files import DigestFiles
from replica_agent.state import Reason, VersionFailed


class AcceptanceSets(DigestFiles):
    """Survives restarts."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, ".npz")

    def all(self) -> frozenset[str]:
        """The digests of those that are here."""
        return frozenset(self.files())

    def add(self, partial: Path, digest: str) -> None:
        """Reads the whole set, then renames the file into the cache. Raises InvalidBundle, OSError."""
        # Here, not above: numpy takes a third of a second, and most replicas have no set.
        from modelctl.bundle import acceptance

        acceptance.loads(partial.read_bytes())
        partial.rename(self.place(digest))

    def read(self, digest: str) -> bytes:
        """The bytes of a set that has this digest now. One that was changed is deleted, so it will be fetched again.

        Raises VersionFailed (FetchFailed).
        """
        try:
            content = self.place(digest).read_bytes()
            if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
                raise InvalidBundle("it was changed on disk")
        except (OSError, InvalidBundle) as error:
            self.discard(digest)
            message = f"the cached acceptance set cannot be used and is fetched again: {error}"
            raise VersionFailed(Reason.FETCH_FAILED, message) from None
        return content
