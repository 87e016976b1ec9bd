"""Which version a request belongs to.

u = hash(salt, key) lies in [0, 100), and the canary is chosen when u < weight. A study that once reached the canary
therefore stays there as the weight grows. The hash is the same in every process.
"""

from hashlib import blake2b


def position(salt: str, key: bytes) -> float:
    """The key's place in [0, 100): uniform over keys, independent between salts.

    >>> 0 <= position("sha256:2", b"study 1") < 100
    True
    """
    digest = blake2b(key, digest_size=6, salt=blake2b(salt.encode(), digest_size=16).digest()).digest()
    return int.from_bytes(digest) * (100 / 2**48)


def is_canary(salt: str, key: bytes, weight: float) -> bool:
    """Whether the request with this key goes to the canary at this weight (percent)."""
    return weight > 0 and position(salt, key) < weight
