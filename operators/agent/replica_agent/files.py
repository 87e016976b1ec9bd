"""Writes files and deletes folders so that a crash leaves nothing half-done."""

import contextlib
import os
import shutil
import tempfile
from pathlib import Path


def write_atomic(path: Path, content: bytes, staging: Path | None = None) -> None:
    """Replaces `path` in one step. `staging` is for the temporary file: a folder of the same file system."""
    handle, name = tempfile.mkstemp(dir=staging or path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def remove_folder(folder: Path, staging: Path) -> None:
    """Moves `folder` into `staging` in one step, then deletes it; a crash in between leaves it there."""
    trash = Path(tempfile.mkdtemp(dir=staging)) / folder.name
    with contextlib.suppress(FileNotFoundError):
        folder.rename(trash)
    shutil.rmtree(trash.parent)


def empty_folder(folder: Path) -> None:
    """Makes `folder`, and deletes what an earlier run left in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
