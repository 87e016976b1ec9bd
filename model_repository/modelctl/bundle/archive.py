"""The bundle on disk: a deterministic tar of exactly four files, written and indexed here.

A bundle has exactly one form. A reader rebuilds the header that `write` would have written and compares it byte for
byte. So it refuses links, devices, sparse files, extended headers, owners and times.
"""

import hashlib
import os
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from modelctl.bundle.errors import InvalidBundle

MEMBERS = ("config.pbtxt", "golden.npz", "model.json", "model.onnx")

# The most that a reader holds or writes. model.onnx is a protobuf file, which cannot exceed 2 GiB.
MAX_BYTES = {"config.pbtxt": 64 << 10, "golden.npz": 64 << 20, "model.json": 512 << 10, "model.onnx": 2 << 30}

CHUNK_BYTES = 1 << 20

_MEMBER_TYPES = {
    tarfile.LNKTYPE: "a hard link",
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.CHRTYPE: "a character device",
    tarfile.BLKTYPE: "a block device",
    tarfile.DIRTYPE: "a directory",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.CONTTYPE: "a contiguous file",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
    tarfile.GNUTYPE_LONGNAME: "a long name",
    tarfile.GNUTYPE_LONGLINK: "a long link",
    tarfile.XHDTYPE: "an extended header",
    tarfile.XGLTYPE: "a global extended header",
    tarfile.SOLARIS_XHDTYPE: "an extended header",
}


@dataclass(frozen=True)
class Member:
    """Where a file is inside the tar: offset and size in bytes."""

    offset: int
    size: int


def write(out: Path, files: Mapping[str, Path]) -> str:
    """Writes the bundle `out` (atomically) from the four `files`, member name -> path; returns its `sha256:...`."""
    if sorted(files) != list(MEMBERS):
        raise InvalidBundle(f"a bundle holds exactly {', '.join(MEMBERS)}; got {', '.join(sorted(files)) or 'nothing'}")
    digest = hashlib.sha256()
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=f".{out.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            for piece in _pieces(files):
                stream.write(piece)
                digest.update(piece)
        os.chmod(name, 0o644)
        os.replace(name, out)
    except BaseException:
        os.unlink(name)
        raise
    return f"sha256:{digest.hexdigest()}"


def digest_of(files: Mapping[str, Path]) -> str:
    """The digest of the bundle that `write` would make of these four files, without making it. Raises OSError."""
    digest = hashlib.sha256()
    for piece in _pieces(files):
        digest.update(piece)
    return f"sha256:{digest.hexdigest()}"


def read_index(stream: BinaryIO) -> dict[str, Member]:
    """Finds the four members without reading their content.

    Raises InvalidBundle for anything that `write` does not write, a truncated or a longer file included.
    """
    length = stream.seek(0, os.SEEK_END)
    index: dict[str, Member] = {}
    offset = 0
    for expected in MEMBERS:
        stream.seek(offset)
        member = _read_header(stream.read(tarfile.BLOCKSIZE), expected, index)
        start = offset + tarfile.BLOCKSIZE
        if start + member.size > length:
            raise InvalidBundle(f"the bundle is truncated inside {expected}; fetch or pack it again")
        index[expected] = Member(start, member.size)
        offset = start + _padded(member.size, tarfile.BLOCKSIZE)
        stream.seek(start + member.size)
        if any(stream.read(offset - start - member.size)):
            raise InvalidBundle(f"the padding after {expected} is not zero; pack the bundle again")
    _check_end(stream, offset, length)
    return index


def read_member(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    """Yields the content in chunks of at most 1 MiB."""
    stream.seek(member.offset)
    left = member.size
    while left:
        chunk = stream.read(min(left, CHUNK_BYTES))
        if not chunk:
            raise InvalidBundle("the bundle became shorter while it was read; fetch it again")
        left -= len(chunk)
        yield chunk


def _pieces(files: Mapping[str, Path]) -> Iterator[bytes]:
    written = 0
    for name in MEMBERS:
        size = files[name].stat().st_size
        yield _header(name, size)
        with files[name].open("rb") as source:
            yield from read_member(source, Member(0, size))
        padding = _padded(size, tarfile.BLOCKSIZE) - size
        yield bytes(padding)
        written += tarfile.BLOCKSIZE + size + padding
    yield bytes(_total(written) - written)


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    return info.tobuf(tarfile.USTAR_FORMAT)


def _padded(size: int, block: int) -> int:
    return -(-size // block) * block


def _total(content: int) -> int:
    """Bytes of the whole file: two zero blocks end a tar, which is then filled up to whole records."""
    return _padded(content + 2 * tarfile.BLOCKSIZE, tarfile.RECORDSIZE)


def _read_header(block: bytes, expected: str, seen: Mapping[str, Member]) -> tarfile.TarInfo:
    if len(block) < tarfile.BLOCKSIZE:
        raise InvalidBundle(f"the bundle is empty or truncated before {expected}; fetch or pack it again")
    if not any(block):
        raise InvalidBundle(f"{expected} is missing from the bundle; pack it again")
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise InvalidBundle(f"not a bundle: {error} where the header of {expected} belongs; pack it again") from None
    name = ascii(info.name)[:100]
    if info.type not in tarfile.REGULAR_TYPES or info.type in _MEMBER_TYPES:
        kind = _MEMBER_TYPES.get(info.type, f"of the unknown type {info.type!r}")
        raise InvalidBundle(f"{name} is {kind}; a bundle holds four regular files, pack it with modelctl pack")
    if info.name in seen:
        raise InvalidBundle(f"{name} is in the bundle twice; pack the bundle again")
    if info.name != expected:
        raise InvalidBundle(f"found {name} where {expected} belongs; a bundle holds {', '.join(MEMBERS)} in that order")
    if not 0 < info.size <= MAX_BYTES[expected]:
        raise InvalidBundle(f"{expected} claims {info.size} bytes; 1 to {MAX_BYTES[expected]} are allowed")
    if block != _header(expected, info.size):
        raise InvalidBundle(f"the header of {expected} is not as modelctl writes it; use modelctl pack")
    return info


def _check_end(stream: BinaryIO, content: int, length: int) -> None:
    stream.seek(content)
    tail = stream.read(tarfile.RECORDSIZE + 2 * tarfile.BLOCKSIZE)
    if any(tail):
        raise InvalidBundle("the bundle holds more after model.onnx; pack it again")
    if length != _total(content):
        raise InvalidBundle(
            f"the bundle has {length} bytes instead of {_total(content)}: it was cut or added to; fetch it again"
        )
