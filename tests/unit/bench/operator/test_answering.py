"""The small server of the simulator, asked over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import httpx
import pytest

from ci.bench.operator.answering import Answering
from ci.stack.waiting import until

ADDRESSES = ["127.0.91.1", "127.0.91.2"]


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """At ADDRESSES; each answers with its own name. Connections may be idle for 0.2 s."""
    protocol = partial(Answering, b"/state", str.encode, 0.2)
    first = await asyncio.get_running_loop().create_server(protocol, ADDRESSES[0], 0)
    port: int = first.sockets[0].getsockname()[1]
    second = await asyncio.get_running_loop().create_server(protocol, ADDRESSES[1], port)
    async with first, second:
        yield port


async def test_the_answer_depends_on_the_address_and_the_path(port: int) -> None:
    # A kept one may be closed as idle just when the last request uses it.
    async with httpx.AsyncClient(headers={"Connection": "close"}) as client:
        answers = [await client.get(f"http://{address}:{port}/state") for address in ADDRESSES]
        missing = await client.get(f"http://{ADDRESSES[0]}:{port}/ready")
    assert [answer.text for answer in answers] == ADDRESSES
    assert (missing.status_code, missing.content) == (404, b"")


async def test_requests_may_come_together_or_in_pieces(port: int) -> None:
    reader, writer = await asyncio.open_connection(ADDRESSES[0], port)
    request = b"GET /state HTTP/1.1\r\nHost: x\r\n\r\n"
    writer.write(request + request[:5])
    await writer.drain()
    first = await reader.readuntil(ADDRESSES[0].encode())
    writer.write(request[5:])
    assert await reader.readuntil(ADDRESSES[0].encode()) == first
    writer.close()


async def test_an_idle_connection_is_closed(port: int) -> None:
    reader, writer = await asyncio.open_connection(ADDRESSES[0], port)
    await until(reader.at_eof, "the connection is closed")
    assert await reader.read() == b"", "it was closed without a word"
    writer.close()
