"""An artifact over HTTP. Every hop is checked before it is asked, and every address before it is connected to."""

import contextlib
import re
from collections.abc import AsyncIterator

import aiohttp
from medinfer_common.outgoing.authorities import trust
from medinfer_common.outgoing.sockets import Sockets

from replica_agent.store.body import CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, Body
from replica_agent.store.errors import Refused, local_address
from replica_agent.store.redaction import redact
from replica_agent.store.rules import Rules, check

MAX_REDIRECTS = 5
BUFFER_BYTES = 1 << 20


@contextlib.asynccontextmanager
async def open_http(uri: str, start: int, rules: Rules) -> AsyncIterator[Body]:
    """Raises Refused, aiohttp.ClientError, OSError. A server that knows no ranges begins at 0 again."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    if rules.authorization and uri.startswith("https:"):
        headers["Authorization"] = rules.authorization  # aiohttp drops it when a redirect leaves the host
    async with (
        guarded_session(uri, rules, _check_hops(uri, rules)) as session,
        session.get(uri, headers=headers, max_redirects=MAX_REDIRECTS) as response,
    ):
        yield read_body(response)


@contextlib.asynccontextmanager
async def guarded_session(
    uri: str, rules: Rules, check_hop: aiohttp.ClientMiddlewareType, keep_alive: bool = False
) -> AsyncIterator[aiohttp.ClientSession]:
    """`check_hop` sees each request before it is sent, those of redirects too. Raises Refused for a local address.

    `keep_alive`: one connection for several requests to a host.
    """
    sockets = Sockets(rules.allow_local_addresses)
    try:
        connector = aiohttp.TCPConnector(
            socket_factory=sockets.open, ssl=trust(rules.ca_file), force_close=not keep_alive
        )
        async with _session(connector, check_hop) as session:
            yield session
    except aiohttp.ClientConnectionError:
        if sockets.refused is None:
            raise
        raise local_address(uri, sockets.refused) from None


def _session(connector: aiohttp.TCPConnector, check_hop: aiohttp.ClientMiddlewareType) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_SECONDS, sock_read=READ_TIMEOUT_SECONDS),
        middlewares=(check_hop,),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        read_bufsize=BUFFER_BYTES,
        raise_for_status=True,
        trust_env=True,
    )


def _check_hops(uri: str, rules: Rules) -> aiohttp.ClientMiddlewareType:
    """aiohttp calls it for the first request and for each that a redirect leads to."""

    async def check_hop(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        if uri.startswith("https:") and request.url.scheme != "https":
            raise Refused(
                f"{redact(uri)}: redirects to {redact(str(request.url))}, which is not https; correct the store"
            )
        check(str(request.url), rules.prefixes)
        return await handler(request)

    return check_hop


def read_body(response: aiohttp.ClientResponse) -> Body:
    """Where the answer begins in the whole, as its Content-Range says."""
    begins_at = 0
    if response.status == 206:
        found = re.match(r"bytes (\d{1,18})-", response.headers.get("Content-Range", ""))
        begins_at = int(found[1]) if found else 0
    length = response.content_length
    return Body(begins_at, None if length is None else begins_at + length, response.content.iter_chunked(BUFFER_BYTES))


async def read_all(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """The whole of a small answer. Raises Refused when it is none."""
    content = bytearray()
    async for chunk in response.content.iter_chunked(BUFFER_BYTES):
        content += chunk
        if len(content) > most_bytes:
            raise Refused(f"{redact(str(response.url))} gives more than {most_bytes} bytes; correct the registry")
    return bytes(content)
