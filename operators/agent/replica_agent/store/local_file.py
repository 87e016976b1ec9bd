"""An artifact from a mounted folder."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from replica_agent.store.body import CHUNK_BYTES, Body


@contextlib.asynccontextmanager
async def open_file(uri: str, start: int) -> AsyncIterator[Body]:
    """Raises OSError. Blocks: a fetch has its own thread."""
    with _stream(uri) as stream:
        size = stream.seek(0, 2)
        yield Body(stream.seek(min(start, size)), size, _chunks(stream))


def _stream(uri: str) -> BinaryIO:
    return Path(unquote(urlsplit(uri).path)).open("rb")


async def _chunks(stream: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk
