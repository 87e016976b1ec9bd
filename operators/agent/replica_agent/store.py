"""The only module that talks to the store: streams one artifact into a file, hashing as it goes.

A cut is resumed where it happened when the source can seek, and started over when it cannot.
"""

import contextlib
import errno
import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from replica_agent.uri_schemes import URI_PROBLEM, Access, access

# aiohttp, botocore and fsspec are imported where they are used: they take a third of a start, and an agent whose
# bundles are cached needs none of them.

CHUNK_BYTES = 8 << 20
CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 20
TRIES = 4  # in a row without one new byte
BACKOFF_SECONDS = 0.5  # doubled after each

OnChunk = Callable[[int, int | None], None]
"""Called with (bytes so far, bytes in total or None) after every chunk; it may raise to stop the fetch."""


class StoreError(Exception):
    """The artifact could not be fetched; the message names the source."""


def download(uri: str, target: Path, on_chunk: OnChunk) -> str:
    """Writes the artifact to `target` and returns `sha256:<hex>` of what was written; blocks.

    Raises StoreError when the source is missing, refuses, or cannot be reached in TRIES tries; OSError when the disk is
    full; and whatever `on_chunk` raises.
    """
    opened_by = access(uri)
    if opened_by is None:
        raise StoreError(f"{redact(uri)}: nothing here opens such an address; {URI_PROBLEM}")
    transfer = _Transfer(target, on_chunk)
    failed, knows_ranges = 0, True
    while True:
        before = transfer.received
        try:
            with _reading(uri, opened_by, knows_ranges) as (stream, size):
                transfer.take(stream, size)
            return transfer.finish(size)
        except _cut_errors() as raised:
            # fsspec says FileNotFoundError for whatever an HTTP server answers, with what really happened as its cause.
            error = raised.__cause__ or raised
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            knows_ranges = knows_ranges and not isinstance(error, ValueError)
            failed = 1 if transfer.received > before else failed + 1
            if failed >= TRIES or _is_final(error):
                raise StoreError(f"{redact(uri)}: {_describe(error, uri)}") from None
            time.sleep(BACKOFF_SECONDS * 2 ** (failed - 1))
            on_chunk(transfer.received, None)


def redact(uri: str) -> str:
    """The address without its user, password and query, which may be secret."""
    parts = urlsplit(uri)
    host = parts.hostname or ""
    return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"


class _Cut(Exception):
    """The stream ended before the size it announced."""


def _cut_errors() -> tuple[type[BaseException], ...]:
    """What fsspec's file systems are known to raise when a server is unreachable, slow, or breaks off.

    ValueError: a range was asked of a server that knows none.
    """
    import aiohttp
    from botocore.exceptions import BotoCoreError

    return OSError, aiohttp.ClientError, BotoCoreError, TimeoutError, ValueError, EOFError, _Cut


class _Transfer:
    """One artifact on its way into a file."""

    def __init__(self, target: Path, on_chunk: OnChunk) -> None:
        self._target, self._on_chunk = target, on_chunk
        self._restart()

    def _restart(self) -> None:
        self._hash, self.received = hashlib.sha256(), 0
        self._target.write_bytes(b"")

    def take(self, stream: BinaryIO, size: int | None) -> None:
        """Continues where it stopped, or from the beginning when the stream cannot seek there."""
        if self.received and not _seek(stream, self.received):
            self._restart()
        self._on_chunk(self.received, size)
        with self._target.open("ab") as file:
            while self.received != size and (chunk := stream.read(CHUNK_BYTES)):
                file.write(chunk)
                self._hash.update(chunk)
                self.received += len(chunk)
                self._on_chunk(self.received, size)

    def finish(self, size: int | None) -> str:
        if size is not None and self.received != size:
            raise _Cut(f"ended after {self.received} of {size} bytes")
        return f"sha256:{self._hash.hexdigest()}"


def _seek(stream: BinaryIO, position: int) -> bool:
    try:
        stream.seek(position)
    except (ValueError, OSError):
        return False
    return True


@contextlib.contextmanager
def _reading(uri: str, opened_by: Access, knows_ranges: bool) -> Iterator[tuple[BinaryIO, int | None]]:
    """The artifact as a stream, and its size in bytes where the source says it."""
    import fsspec

    scheme = urlsplit(uri).scheme
    filesystem = fsspec.filesystem(scheme, skip_instance_cache=True, **_options(opened_by))
    path = unquote(urlsplit(uri).path) if opened_by is Access.FILE else uri
    block_size = CHUNK_BYTES if knows_ranges else 0  # 0: one request, from the beginning to the end
    with filesystem.open(path, "rb", block_size=block_size, cache_type="none") as stream:
        yield stream, getattr(stream, "size", None)


def _options(opened_by: Access) -> dict[str, Any]:
    """What fsspec's file system is made with."""
    match opened_by:
        case Access.FILE:
            return {}
        case Access.HTTP:
            import aiohttp

            limits = aiohttp.ClientTimeout(
                total=None, sock_connect=CONNECT_TIMEOUT_SECONDS, sock_read=READ_TIMEOUT_SECONDS
            )
            return {"client_kwargs": {"timeout": limits, "trust_env": True}}
        case Access.S3:
            config = {"connect_timeout": CONNECT_TIMEOUT_SECONDS, "read_timeout": READ_TIMEOUT_SECONDS}
            return {"config_kwargs": config | {"retries": {"max_attempts": 1}}, "use_listings_cache": False}


def _is_final(error: BaseException) -> bool:
    """The source answered, and will answer the same again."""
    import aiohttp

    if isinstance(error, aiohttp.ClientResponseError):
        return 400 <= error.status < 500 and error.status not in (408, 429)
    return isinstance(error, FileNotFoundError | PermissionError)


def _describe(error: BaseException, uri: str) -> str:
    import aiohttp

    if isinstance(error, aiohttp.ClientResponseError):
        return f"HTTP {error.status} {error.message}; check the address and the agent's rights"
    text = f"{type(error).__name__}: {str(error)[:300]}".rstrip(": ").replace(uri, redact(uri))
    query = urlsplit(uri).query
    return text.replace(query, "...") if query else text
