"""The cache of verified bundles, each a file `<hex of the digest>.tar` that is renamed in after it was verified."""

from collections.abc import Mapping
from pathlib import Path

from modelctl.bundle import manifest
from modelctl.bundle.archive import read_index, read_member
from modelctl.bundle.errors import InvalidBundle

from replica_agent.digest_files import DigestFiles
from replica_agent.facts import read_facts
from replica_agent.observation import Facts


class Bundles(DigestFiles):
    """Survives restarts. `operator_domains` may be in a graph beside ONNX's own and com.microsoft."""

    def __init__(self, folder: Path, operator_domains: tuple[str, ...] = ()) -> None:
        super().__init__(folder, ".tar")
        self._operator_domains = operator_domains
        self._facts: dict[str, Facts] = {}

    def all(self) -> Mapping[str, Facts]:
        """Digest -> what the bundle says about itself. A file that cannot be read is deleted."""
        return {digest: facts for digest, path in self.files().items() if (facts := self._read(digest, path))}

    def add(self, partial: Path, digest: str, model: str, version: int) -> None:
        """Verifies everything but the digest, then renames the file into the cache. Raises InvalidBundle, OSError."""
        # Here, not above: numpy and Triton's protobuf schema take half a second, and the endpoints need neither.
        from modelctl.bundle.verify import Wanted, verify

        from replica_agent.config import parse_config

        verify(partial, Wanted(model=model, version=version, operator_domains=self._operator_domains))
        with partial.open("rb") as stream:
            text = b"".join(read_member(stream, read_index(stream)["config.pbtxt"]))
        parse_config(text.decode(), "KIND_CPU")
        partial.rename(self.place(digest))

    def discard(self, digest: str) -> None:
        """Deletes the bundle, if it is here."""
        super().discard(digest)
        self._facts.pop(digest, None)

    def _read(self, digest: str, path: Path) -> Facts | None:
        if digest not in self._facts:
            try:
                with path.open("rb") as stream:
                    text = b"".join(read_member(stream, read_index(stream)["model.json"]))
                found = manifest.parse(text)
            except (OSError, InvalidBundle):
                path.unlink(missing_ok=True)
                return None
            self._facts[digest] = read_facts(found)
        return self._facts[digest]
