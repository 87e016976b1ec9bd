"""Unpacks an untrusted bundle: a good one appears under its name in one step, any other leaves nothing."""

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from modelctl.bundle.archive import MEMBERS
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.manifest import Manifest
from modelctl.bundle.verify import Sink, Wanted, verify


def unpack(path: Path, directory: Path, wanted: Wanted | None = None, sink: Sink | None = None) -> Manifest:
    """Verifies the bundle at `path` and creates `directory` with its four files, by atomic rename.

    `directory` must not exist; its parent must. `sink` gets what is written, by the name of its file. Raises
    InvalidBundle (DigestMismatch for the digest) with the reason.
    """
    if directory.exists():
        raise InvalidBundle(f"{directory} exists already; a version is written once, choose another directory")
    partial = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
    try:
        with ExitStack() as stack:
            files = {name: stack.enter_context((partial / name).open("xb")) for name in MEMBERS}

            def write(name: str, chunk: bytes) -> None:
                files[name].write(chunk)
                if sink:
                    sink(name, chunk)

            manifest = verify(path, wanted, write)
            for file in files.values():
                file.flush()
                os.fsync(file.fileno())
        partial.chmod(0o755)
        partial.rename(directory)
    except BaseException:
        shutil.rmtree(partial)
        raise
    return manifest
