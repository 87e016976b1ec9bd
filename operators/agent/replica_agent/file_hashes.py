"""Hashes of a version's files as they were unpacked, to compare with what lies there before a load.

BLAKE3 takes about a third of the time that SHA-256 takes.
"""

from collections.abc import Mapping
from pathlib import Path

from blake3 import blake3
from modelctl.bundle.archive import MEMBERS

CHUNK_BYTES = 256 << 10  # stays in a core's cache between the read and the hash


FileHashes = Mapping[str, bytes]
"""Name of each of a bundle's four files -> its BLAKE3."""


class FileHasher:
    """Takes the files in pieces, in any order."""

    def __init__(self) -> None:
        self._hashes = {name: blake3() for name in MEMBERS}

    def update(self, name: str, chunk: bytes | memoryview) -> None:
        """The next bytes of this file."""
        self._hashes[name].update(chunk)

    def hashes(self) -> FileHashes:
        return {name: one.digest() for name, one in self._hashes.items()}


def hash_files(folder: Path) -> FileHashes:
    """Of the files as they lie in `folder` now. Raises OSError."""
    hasher, chunk = FileHasher(), memoryview(bytearray(CHUNK_BYTES))
    for name in MEMBERS:
        with (folder / name).open("rb", buffering=0) as file:
            while length := file.readinto(chunk):
                hasher.update(name, chunk[:length])
    return hasher.hashes()
