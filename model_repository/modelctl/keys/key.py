"""Makes a key: `medinfer_`, 256 random bits in base62, `_`, and the CRC-32 of all before it.

`inference_api.access.keys` checks the form; a contract test compares both.
"""

import hashlib
from zlib import crc32

RANDOM_BYTES = 32
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_DIGITS = 12


def make(random: bytes) -> str:
    """The key of these 32 random bytes."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{len(random)} random bytes; {RANDOM_BYTES} are needed")
    start = f"medinfer_{_base62(int.from_bytes(random), 43)}"
    return f"{start}_{_base62(crc32(start.encode()), 6)}"


def sha256(key: str) -> str:
    """What the access document keeps of a key."""
    return hashlib.sha256(key.encode()).hexdigest()


def id(digest: str) -> str:
    """The start of the SHA-256, by which a person names a key. It tells nothing of the key itself."""
    return digest[:_ID_DIGITS]


def _base62(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, 62)
        text = _DIGITS[digit] + text
    return text
