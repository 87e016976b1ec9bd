"""The form of a key: `medinfer_`, 256 random bits in base62, `_`, and a checksum of all before it.

The prefix lets secret scanners find a key that was published by accident. The checksum tells a mistyped key from an
unknown one, and refuses every text that `modelctl keys mint` did not make, such as a word that a person chose.
`modelctl.keys` makes keys; a contract test compares both.
"""

import hashlib
import re
from zlib import crc32

PREFIX = b"medinfer_"
_KEY = re.compile(rb"(medinfer_[0-9A-Za-z]{43})_([0-9A-Za-z]{6})")
_DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def is_well_formed(key: bytes) -> bool:
    """Whether the text has a key's form and the right checksum.

    >>> is_well_formed(b"secret")
    False
    """
    match = _KEY.fullmatch(key)
    return match is not None and checksum(match[1]) == match[2]


def checksum(start: bytes) -> bytes:
    """The CRC-32 of the text in six base62 digits."""
    number, digits = crc32(start), bytearray(6)
    for place in range(5, -1, -1):
        number, digit = divmod(number, 62)
        digits[place] = _DIGITS[digit]
    return bytes(digits)


def digest(key: bytes) -> bytes:
    """The SHA-256 under which the access document knows a key. Keys are random, so that a slow hash adds nothing."""
    return hashlib.sha256(key).digest()
