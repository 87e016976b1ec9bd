"""Bundles that no honest `modelctl pack` writes, made from honest ones."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelctl.assemble import Parts, assemble
from modelctl.bundle import golden, manifest

from ci.stack.documents import read_members


def take_apart(bundle: Path) -> Parts:
    contents = read_members(bundle)
    found = manifest.parse(contents["model.json"])
    return Parts(
        version=found.version,
        contract=found.contract,
        preprocessing=found.preprocessing,
        onnx=contents["model.onnx"],
        config=contents["config.pbtxt"],
        golden=golden.read(io.BytesIO(contents["golden.npz"]), found.contract),
        memory_bytes=found.memory_bytes,
        provenance=found.provenance,
        schema_version=found.schema_version,
    )


def repack(bundle: Path, folder: Path, **changes: Any) -> Path:
    """A whole and true bundle that differs in `changes` (fields of Parts)."""
    folder.mkdir(parents=True, exist_ok=True)
    return assemble(replace(take_apart(bundle), **changes), folder)[0]


def hostile(name: str, folder: Path) -> Path:
    """A tar that a reader must refuse; `name` says what is hostile about it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "resnet_medical-90.tar"
    path.write_bytes(_HOSTILE[name].tobuf(tarfile.GNU_FORMAT) + bytes(19 * tarfile.BLOCKSIZE))
    return path


def _member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, size
    return info


_HOSTILE = {
    "traversal": _member("../../../escaped", size=512),
    "absolute": _member("/tmp/escaped", size=512),
    "symlink": _member("config.pbtxt", tarfile.SYMTYPE, "/etc/passwd"),
    "hardlink": _member("config.pbtxt", tarfile.LNKTYPE, "/etc/passwd"),
    "device": _member("config.pbtxt", tarfile.CHRTYPE),
    "bomb": _member("config.pbtxt", size=1 << 40),
    "sparse": _member("config.pbtxt", tarfile.GNUTYPE_SPARSE, size=1 << 40),
}
