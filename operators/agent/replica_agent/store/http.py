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
    sockets = Sockets(rules.allow_local_addresses)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    if rules.authorization and uri.startswith("https:"):
        headers["Authorization"] = rules.authorization  # aiohttp drops it when a redirect leaves the host
    try:
        async with (
            _session(uri, rules, sockets) as session,
            session.get(uri, headers=headers, max_redirects=MAX_REDIRECTS) as response,
        ):
            yield _body(response)
    except aiohttp.ClientConnectionError:
        if sockets.refused is None:
            raise
        raise local_address(uri, sockets.refused) from None


def _session(uri: str, rules: Rules, sockets: Sockets) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=sockets.open, ssl=trust(rules.ca_file), force_close=True),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT_SECONDS, sock_read=READ_TIMEOUT_SECONDS),
        middlewares=(_check_hops(uri, rules),),
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


def _body(response: aiohttp.ClientResponse) -> Body:
    begins_at = 0
    if response.status == 206:
        found = re.match(r"bytes (\d{1,18})-", response.headers.get("Content-Range", ""))
        begins_at = int(found[1]) if found else 0
    length = response.content_length
    return Body(begins_at, None if length is None else begins_at + length, response.content.iter_chunked(BUFFER_BYTES))
