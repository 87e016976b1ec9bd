"""Fetches one artifact into a file, hashing as it goes. A cut is resumed, or started over where the source cannot."""

import asyncio
import errno
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from http.client import responses
from pathlib import Path

from replica_agent.store.body import Body
from replica_agent.store.errors import Missing, Refused, StoreError
from replica_agent.store.local_file import open_file
from replica_agent.store.redaction import redact, scrub
from replica_agent.store.rules import Rules, check
from replica_agent.store.transfer import Cut, OnChunk, Transfer
from replica_agent.uri_schemes import URI_PROBLEM, Access, access

# aiohttp and botocore are imported where they are used: they take a third of a start, and an agent whose bundles are
# cached needs neither.

TRIES = 4  # in a row without one new byte
BACKOFF_SECONDS = 0.5  # doubled after each


def download(uri: str, target: Path, on_chunk: OnChunk, rules: Rules, digest: str) -> str:
    """Writes the artifact to `target` and returns `sha256:<hex>` of what was written; blocks.

    `digest`: the one that is wanted. A registry says before the first byte that it has another: WrongDigest. Other
    sources are for the caller to compare.
    Raises Refused when the rules do not allow it; Missing when nothing is there; StoreError when the source refuses,
    takes too long, or cannot be reached in TRIES tries; OSError when the disk is full; and whatever `on_chunk` raises.
    """
    opened_by = access(uri)
    if opened_by is None:
        raise StoreError(f"{redact(uri)}: nothing here opens such an address; {URI_PROBLEM}")
    check(uri, rules.prefixes)
    source = Source(uri, opened_by, digest, rules)
    return asyncio.run(_download_in_time(source, Transfer(target, on_chunk, rules.max_bytes), on_chunk))


@dataclass(frozen=True)
class Source:
    """`digest`: the bundle's, `sha256:...`."""

    uri: str
    opened_by: Access
    digest: str
    rules: Rules

    def open(self, start: int) -> AbstractAsyncContextManager[Body]:
        """From byte `start` on, or from the first, as the source can."""
        match self.opened_by:
            case Access.FILE:
                return open_file(self.uri, start)
            case Access.HTTP:
                from replica_agent.store.http import open_http

                return open_http(self.uri, start, self.rules)
            case Access.OCI:
                from replica_agent.store.oci import open_oci

                return open_oci(self.uri, start, self.rules, self.digest)
            case Access.S3:
                from replica_agent.store.s3 import open_s3

                return open_s3(self.uri, start, self.rules)


async def _download_in_time(source: Source, transfer: Transfer, on_chunk: OnChunk) -> str:
    uri, rules = source.uri, source.rules
    deadline = asyncio.timeout(rules.timeout_seconds)
    try:
        async with deadline:
            return await _download(source, transfer, on_chunk)
    except TimeoutError:
        if not deadline.expired():
            raise
        message = f"took longer than {rules.timeout_seconds:g} s; mend the store, or raise triton.agent.fetchSeconds"
        raise StoreError(f"{redact(uri)}: {message}") from None


async def _download(source: Source, transfer: Transfer, on_chunk: OnChunk) -> str:
    uri, failed = source.uri, 0
    while True:
        before = transfer.received
        try:
            async with source.open(transfer.received) as body:
                return await transfer.take(body)
        except Refused as refused:
            text = str(refused)
            raise type(refused)(text if text.startswith(redact(uri)) else f"{redact(uri)}: {text}") from None
        except _cut_errors() as error:
            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                raise
            failed = 1 if transfer.received > before else failed + 1
            if failed >= TRIES or _is_final(error):
                kind = Missing if _is_missing(error) else StoreError
                raise kind(f"{redact(uri)}: {_describe(error)}") from None
            await asyncio.sleep(BACKOFF_SECONDS * 2 ** (failed - 1))
            on_chunk(transfer.received, None)


def _cut_errors() -> tuple[type[BaseException], ...]:
    """What the sources raise when they are unreachable, slow, break off, or refuse."""
    import aiohttp
    from botocore.exceptions import BotoCoreError, ClientError

    return OSError, aiohttp.ClientError, BotoCoreError, ClientError, TimeoutError, Cut


def _status(error: BaseException) -> tuple[int, str] | None:
    """The HTTP status and its words, where the source answered with one: ours, as what an HTTP server says may be
    a secret of a server that nobody meant to ask."""
    import aiohttp
    from botocore.exceptions import ClientError

    if isinstance(error, aiohttp.ClientResponseError):
        return error.status, responses.get(error.status, "")
    if isinstance(error, ClientError):
        answer = error.response
        return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)), str(answer["Error"].get("Code", ""))
    return None


def _is_final(error: BaseException) -> bool:
    """The source answered, and will answer the same again."""
    import aiohttp

    if status := _status(error):
        return 400 <= status[0] < 500 and status[0] not in (408, 429)
    return isinstance(error, FileNotFoundError | PermissionError | aiohttp.InvalidURL) or _is_untrusted(error)


def _is_missing(error: BaseException) -> bool:
    status = _status(error)
    return isinstance(error, FileNotFoundError) or (status is not None and status[0] in (404, 410))


def _is_untrusted(error: BaseException) -> bool:
    import aiohttp
    from botocore.exceptions import SSLError

    return isinstance(error, aiohttp.ClientConnectorCertificateError | SSLError)


def _describe(error: BaseException) -> str:
    if _is_untrusted(error):
        return (
            "its certificate is not one that the agent trusts; if an authority of your own signed it, put its "
            "certificate into the ConfigMap that caConfigMapName names"
        )
    if status := _status(error):
        return f"HTTP {status[0]} {status[1][:200]}; check the address and the agent's rights"
    return scrub(f"{type(error).__name__}: {str(error)[:300]}".rstrip(": "))
