"""Whether the files of an installed version are still those of its bundle."""

from pathlib import Path

from modelctl.bundle.archive import MEMBERS, digest_of
from modelctl.bundle.errors import DigestMismatch, InvalidBundle

from replica_agent.file_hashes import FileHashes, hash_files

MARK = "bundle.digest"
CONFIG = "config.pbtxt"


def check_version(folder: Path, digest: str, unpacked: FileHashes | None) -> None:
    """Hashes the four files again, as they lie now; `digest` is the bundle's. Raises InvalidBundle, OSError.

    `unpacked`: of the files when this process wrote them; None when another one did. A bundle has one form, so the
    digest of the tar follows from its files. More files are refused as well: Triton looks for the library of a backend
    in the version's own folder first.
    """
    more = sorted(path.name for path in _visible(folder) if path.name not in (*MEMBERS, MARK))
    if more:
        raise InvalidBundle(f"somebody put {_shown(more[0])} beside its files; it is unpacked again")
    if unpacked is not None and hash_files(folder) == unpacked:
        return
    actual = digest_of({name: folder / name for name in MEMBERS})
    if actual != digest:
        raise DigestMismatch(f"its files were changed on disk and have the digest {actual} now; it is unpacked again")


def check_model(folder: Path) -> None:
    """Raises InvalidBundle when the model's folder, where Triton looks next, holds more than versions and a config."""
    more = sorted(path.name for path in _visible(folder) if path.name != CONFIG and not path.is_dir())
    if more:
        raise InvalidBundle(f"somebody put {_shown(more[0])} into {folder}; find out who, and delete it")


def _visible(folder: Path) -> list[Path]:
    """A file system may keep files of its own under names with a dot; Triton looks for no such name."""
    return [path for path in folder.iterdir() if not path.name.startswith(".")]


def _shown(name: str) -> str:
    return ascii(name)[1:-1][:80]
