"""Reads a zip of exactly the form that zipfile writes into a file from its start: no other byte has a place in it.

A zip is found from its end, so that anything may stand before it, even a library, and between its members. Here the
headers that must follow from a member are rebuilt, and compared byte for byte.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_STORED, _DEFLATED = 0, 8
# signature, version, flags, method, time, date, CRC-32, packed bytes, bytes, length of the name, length of extra fields
_LOCAL = struct.Struct("<4s5H3L2H")
# signature, made by, then the local header without its signature and extra fields, extra fields, comment, disk,
# internal and external attributes, offset
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")


@dataclass(frozen=True)
class Member:
    """`content` is packed by `method`; `size` and `crc` are those of the unpacked bytes."""

    method: int
    content: bytes
    size: int
    crc: int


def members(data: bytes, names: Sequence[str]) -> list[Member]:
    """The members of a zip that holds exactly `names`, in this order. Raises ValueError, struct.error."""
    if data[:4] != b"PK\x03\x04":
        raise ValueError("it does not begin as a zip does")
    found, directory, position = [], [], 0
    for name in names:
        member, entry, after = _member(data, position, name.encode())
        directory.append((position, entry, name.encode()))
        found.append(member)
        position = after
    start = position
    for piece in _directory(data, start, directory):
        if data[position : position + len(piece)] != piece:
            raise ValueError(f"other bytes than a zip of {' and '.join(names)} has at {position}")
        position += len(piece)
    if position != len(data):
        raise ValueError("it holds more after the end of the zip")
    return found


def unpack(member: Member, most: int) -> bytes:
    """The member's content. Raises ValueError, also when there are more than `most` bytes; zlib.error."""
    content = member.content[: most + 1] if member.method == _STORED else _inflate(member.content, most + 1)
    if len(content) > most:
        raise ValueError("another length than its shape says")
    if len(content) != member.size or zlib.crc32(content) != member.crc:
        raise ValueError("its size or its checksum is wrong")
    return content


def _inflate(content: bytes, most: int) -> bytes:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = stream.decompress(content, most)
    if len(unpacked) < most and (not stream.eof or stream.unused_data):
        raise ValueError("its packed bytes are cut, or there are more of them")
    return unpacked


def _member(data: bytes, position: int, name: bytes) -> tuple[Member, tuple[int, ...], int]:
    """The member at `position`, the fields of its header from version to length of the name, and what is after it."""
    signature, *entry, name_bytes, extra_bytes = _LOCAL.unpack_from(data, position)
    begin = position + _LOCAL.size + len(name)
    if signature != b"PK\x03\x04" or data[position + _LOCAL.size : begin] != name or name_bytes != len(name):
        raise ValueError(f"it must hold {name.decode()} at {position}")
    _, flags, method, _, _, crc, packed_bytes, size = entry
    if method not in (_STORED, _DEFLATED):
        raise ValueError("neither stored nor deflated")
    if flags or extra_bytes:
        raise ValueError("a member has flags or extra fields")
    content = data[begin : begin + packed_bytes]
    return Member(method, content, size, crc), (*entry, name_bytes), begin + packed_bytes


def _directory(data: bytes, start: int, entries: Sequence[tuple[int, tuple[int, ...], bytes]]) -> Iterator[bytes]:
    """What must stand from `start` to the end of the file; only maker and attributes are taken from `data`."""
    position = start
    for offset, entry, name in entries:
        _, made_by, *_, internal, external, _ = _CENTRAL.unpack_from(data, position)
        yield _CENTRAL.pack(b"PK\x01\x02", made_by, *entry, 0, 0, 0, internal, external, offset) + name
        position += _CENTRAL.size + len(name)
    count = len(entries)
    yield _END.pack(b"PK\x05\x06", 0, 0, count, count, position - start, start, 0)
