"""One artifact on its way into a file, hashed as it comes and never longer than it may be."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from replica_agent.store.body import Body
from replica_agent.store.errors import Refused

OnChunk = Callable[[int, int | None], None]
"""Called with (bytes so far, bytes in total or None) after every chunk; it may raise to stop the fetch."""


class Cut(Exception):
    """The stream ended before the size it announced, or began somewhere else."""


class Transfer:
    """`max_bytes`: what no bundle exceeds, so that a source without end costs no disk."""

    def __init__(self, target: Path, on_chunk: OnChunk, max_bytes: int) -> None:
        self._target, self._on_chunk, self._max_bytes = target, on_chunk, max_bytes
        self._restart()

    def _restart(self) -> None:
        self._hash, self.received = hashlib.sha256(), 0
        self._target.write_bytes(b"")

    async def take(self, body: Body) -> str:
        """Continues where it stopped, or from the beginning when the source begins there again.

        Returns `sha256:<hex>` of the whole. Raises Refused, Cut, OSError and what `on_chunk` raises.
        """
        if body.begins_at != self.received:
            self._restart()
        if body.begins_at != self.received:
            raise Cut(f"the source began at byte {body.begins_at}, which nobody asked for")
        self._check(body.size or 0)
        self._on_chunk(self.received, body.size)
        with self._target.open("ab") as file:
            async for chunk in body.chunks:
                self._check(self.received + len(chunk))
                file.write(chunk)
                self._hash.update(chunk)
                self.received += len(chunk)
                self._on_chunk(self.received, body.size)
        if body.size is not None and self.received != body.size:
            raise Cut(f"ended after {self.received} of {body.size} bytes")
        return f"sha256:{self._hash.hexdigest()}"

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise Refused(f"has {size} bytes or more; no bundle has more than {self._max_bytes}; correct the store")
