"""Checks a bundle without writing anything: the digest, the hash of every file, and what model.json says about them."""

import hashlib
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelctl.bundle import config, config_fields, golden, interface, manifest, onnx_file
from modelctl.bundle.archive import Member, read_index, read_member
from modelctl.bundle.errors import DigestMismatch, InvalidBundle
from modelctl.bundle.manifest import FileEntry, Manifest

Sink = Callable[[str, bytes], object]
"""Takes the next chunk of the named member."""


@dataclass(frozen=True)
class Wanted:
    """What the caller knows about the bundle; None means unknown, and is not checked.

    `operator_domains` may be in the graph beside `onnx_file.DOMAINS`.
    """

    digest: str | None = None
    model: str | None = None
    version: int | None = None
    operator_domains: tuple[str, ...] = ()


def file_digest(path: Path) -> str:
    """`sha256:<hex>` of a file of any size."""
    with path.open("rb") as stream:
        return f"sha256:{hashlib.file_digest(stream, 'sha256').hexdigest()}"


def verify(path: Path, wanted: Wanted | None = None, sink: Sink | None = None) -> Manifest:
    """Returns the manifest of a bundle that is complete and correct.

    `sink` gets the content of all members while it is hashed; when this raises, none of that content may be used.
    Raises DigestMismatch or InvalidBundle with a sentence that names the place and says what to do.
    """
    wanted = wanted or Wanted()
    _check_digest(path, wanted.digest)
    with path.open("rb") as stream:
        index = read_index(stream)
        text = b"".join(read_member(stream, index["model.json"]))
        found = manifest.parse(text)
        _check_identity(found, wanted)
        for name, entry in found.files.items():
            if index[name].size != entry.bytes:
                raise InvalidBundle(
                    f"{name} has {index[name].size} bytes, model.json says {entry.bytes}; pack it again"
                )
        for name, entry in found.files.items():
            _check_hash(stream, name, index[name], entry, sink)
        if sink:
            sink("model.json", text)
        _check_claims(stream, index, found, wanted.operator_domains)
    return found


def _check_digest(path: Path, expected: str | None) -> None:
    if expected is None:
        return
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", expected):
        raise InvalidBundle(f"the digest must be sha256: and 64 lower-case hex digits, not {ascii(expected)[:80]}")
    actual = file_digest(path)
    if actual != expected:
        raise DigestMismatch(
            f"the bundle's digest is {actual}, wanted {expected}; correct the digest or fetch it again"
        )


def _check_identity(found: Manifest, wanted: Wanted) -> None:
    if wanted.model not in (None, found.model):
        raise InvalidBundle(f"the bundle holds model {found.model}, wanted {wanted.model}; name the right bundle")
    if wanted.version not in (None, found.version):
        raise InvalidBundle(f"the bundle holds version {found.version}, wanted {wanted.version}; name the right bundle")


def _check_hash(stream: BinaryIO, name: str, member: Member, entry: FileEntry, sink: Sink | None) -> None:
    digest = hashlib.sha256()
    for chunk in read_member(stream, member):
        digest.update(chunk)
        if sink:
            sink(name, chunk)
    if digest.hexdigest() != entry.sha256:
        raise InvalidBundle(f"the sha256 of {name} is not the one in model.json; fetch or pack the bundle again")


def _check_claims(
    stream: BinaryIO, index: dict[str, Member], found: Manifest, operator_domains: tuple[str, ...]
) -> None:
    text = b"".join(read_member(stream, index["config.pbtxt"]))
    message = config.parse(text)
    config_fields.check(message)
    if config.model_name(message) != found.model:
        raise InvalidBundle(
            f"config.pbtxt names model {config.model_name(message)}, model.json {found.model}; use one name in both"
        )
    if config.config_sha256(text) != found.config_sha256:
        raise InvalidBundle("configSha256 in model.json is not that of config.pbtxt; pack the bundle again")
    if found.schema_version != manifest.FIRST_SCHEMA_VERSION:
        interface.check_follows(message, found.contract)
    golden.read(io.BytesIO(b"".join(read_member(stream, index["golden.npz"]))), found.contract)
    stream.seek(index["model.onnx"].offset)
    opset = onnx_file.read_opset(stream, index["model.onnx"].size, operator_domains)
    if opset != found.opset:
        raise InvalidBundle(f"model.onnx has opset {opset}, model.json says {found.opset}; pack the bundle again")
    if found.memory_bytes < index["model.onnx"].size:
        raise InvalidBundle("memoryBytes in model.json is less than model.onnx alone; measure it by packing again")
