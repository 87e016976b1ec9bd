"""Writes tars that modelctl would not write, as a hostile store may send them."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Edit = Callable[[dict[str, Any]], object]


def member(name: str, data: bytes = b"", /, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A tar entry; `fields` are TarInfo's own (type, linkname, mtime ...)."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def members(contents: Mapping[str, bytes]) -> list[tuple[tarfile.TarInfo, bytes]]:
    """The entries of a good bundle, in order."""
    return [member(name, data) for name, data in sorted(contents.items())]


def write(path: Path, entries: list[tuple[tarfile.TarInfo, bytes]], tar_format: int = tarfile.USTAR_FORMAT) -> Path:
    """Writes the entries as they are."""
    with tarfile.open(path, "w", format=tar_format) as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return path


def lying(contents: Mapping[str, bytes], edit: Edit) -> dict[str, bytes]:
    """The contents with an edited model.json."""
    document = json.loads(contents["model.json"])
    edit(document)
    return dict(contents) | {"model.json": json.dumps(document).encode()}


def honest(contents: Mapping[str, bytes], **replaced: bytes) -> dict[str, bytes]:
    """The contents with files replaced (`config_pbtxt=...`) and model.json's hashes and sizes made to fit."""
    changed = dict(contents) | {name.replace("_", "."): data for name, data in replaced.items()}

    def refit(document: dict[str, Any]) -> None:
        for name in document["files"]:
            data = changed[name]
            document["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}

    return lying(changed, refit)
