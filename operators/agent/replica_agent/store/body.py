"""An artifact on its way: where its bytes begin, and how many there are in all."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

CHUNK_BYTES = 8 << 20
CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Body:
    """`begins_at`: offset of the first chunk in the artifact. `size`: bytes of the whole, where the source says it."""

    begins_at: int
    size: int | None
    chunks: AsyncIterator[bytes]
