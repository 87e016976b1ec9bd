"""Hashes of a version's files as they were unpacked, to compare with what lies there before a load."""

from pathlib import Path

from blake3 import blake3
from modelctl.bundle.archive import MEMBERS

CHUNK_BYTES = 256 << 10  # stays in a core's cache between the read and the hash


class FileHashes:
    """BLAKE3 of each of a bundle's four files. It takes about a third of the time that SHA-256 takes."""

    def __init__(self) -> None:
        self._hashes = {name: blake3() for name in MEMBERS}

    @classmethod
    def of(cls, folder: Path) -> "FileHashes":
        """Reads the files as they lie now. Raises OSError."""
        read = cls()
        chunk = memoryview(bytearray(CHUNK_BYTES))
        for name in MEMBERS:
            with (folder / name).open("rb", buffering=0) as file:
                while length := file.readinto(chunk):
                    read.update(name, chunk[:length])
        return read

    def update(self, name: str, chunk: bytes | memoryview) -> None:
        """The next bytes of this file."""
        self._hashes[name].update(chunk)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileHashes) and self._digests() == other._digests()

    __hash__ = None  # type: ignore[assignment]  # it changes with `update`

    def _digests(self) -> dict[str, bytes]:
        return {name: each.digest() for name, each in self._hashes.items()}
