"""How OpenSSH writes values: strings with their length before them (RFC 4251, section 5)."""

import struct


class BadSignature(ValueError):
    """The signature does not hold. The message says why, for people, and names no secret."""


def packed(*parts: bytes) -> bytes:
    """Each part with its length, 4 bytes big-endian, before it.

    >>> packed(b"ab")
    b'\\x00\\x00\\x00\\x02ab'
    """
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def unpacked(content: bytes, count: int) -> tuple[bytes, ...]:
    """Exactly `count` strings, and nothing after them; raises BadSignature."""
    parts = []
    for _ in range(count):
        if len(content) < 4:
            raise BadSignature("it ends too early")
        (length,) = struct.unpack_from(">I", content)
        if len(content) - 4 < length:
            raise BadSignature("it ends too early")
        parts.append(content[4 : 4 + length])
        content = content[4 + length :]
    if content:
        raise BadSignature("it has bytes after its end")
    return tuple(parts)


def integer(content: bytes) -> int:
    """An mpint of zero or more; raises BadSignature for a negative one."""
    if content[:1] >= b"\x80":
        raise BadSignature("a number in it is negative")
    return int.from_bytes(content, "big")


def mpint(value: int) -> bytes:
    """The bytes of an mpint, without their length. `value`: zero or more."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big") if value else b""
