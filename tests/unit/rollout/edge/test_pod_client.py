"""Agents and API pods on real sockets: whatever they do, the others' answers come, and theirs is None."""

import asyncio
import contextlib
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from rollout_operator.edge.pod_client import MAX_BYTES, PodClient

from ci.stack.waiting import until

TIMEOUT_SECONDS = 0.3
PATIENT_SECONDS = 2.0  # where a good answer is to come in time, on a busy machine, too
AGENT = json.dumps({"replica": "triton-0", "startId": "s", "versions": []}).encode()
API = json.dumps({"startId": "s"}).encode()
FAR_BEYOND_SECONDS = 10.0  # not a measurement: only so that a test that hangs fails

Serve = Callable[[asyncio.StreamWriter], Awaitable[None]]


def response(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def says(content: bytes) -> Serve:
    async def serve(writer: asyncio.StreamWriter) -> None:
        writer.write(content)
        await writer.drain()

    return serve


def says_and_hangs(content: bytes) -> Serve:
    async def serve(writer: asyncio.StreamWriter) -> None:
        await says(content)(writer)
        await asyncio.Event().wait()

    return serve


async def trickles(writer: asyncio.StreamWriter) -> None:
    """A byte now and then keeps the connection alive, not the answer."""
    for byte in response(AGENT):
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(TIMEOUT_SECONDS / 5)


async def resets(writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


class Listener:
    """Listens on a free port of its own and serves every connection in one way; `requests` are their first lines."""

    def __init__(self, serve: Serve) -> None:
        self._serve, self._tasks = serve, set[asyncio.Task[None]]()
        self.requests: list[bytes] = []
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            self.requests.append(await reader.readline())
            await reader.readuntil(b"\r\n\r\n")
            await self._serve(writer)
        except (ConnectionError, asyncio.CancelledError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    def end(self) -> None:
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[Listener]:
    listener = Listener(serve)
    server = await asyncio.start_server(listener.handle, "127.0.0.1", 0)
    listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield listener
    finally:
        listener.end()
        server.close()
        await server.wait_closed()


async def ask_agent(url: str) -> object:
    async with asyncio.timeout(FAR_BEYOND_SECONDS), PodClient(TIMEOUT_SECONDS) as pod_client:
        return (await pod_client.ask_agents([("triton-0", url)]))[0]


async def test_an_answer_is_read() -> None:
    async with (
        listening(says(response(AGENT))) as agent,
        listening(says(response(API))) as api,
        PodClient(5) as pod_client,
    ):
        (state,) = await pod_client.ask_agents([("triton-0", agent.url)])
        assert state and state.replica == "triton-0"
        (report,) = await pod_client.ask_api_pods([api.url])
        assert report and report.start_id == "s"
    assert (agent.requests, api.requests) == ([b"GET /state HTTP/1.1\r\n"], [b"GET /routes HTTP/1.1\r\n"])


@pytest.mark.parametrize(
    "serve",
    [
        pytest.param(says_and_hangs(b""), id="says nothing"),
        pytest.param(says_and_hangs(b"HTTP/1.1 200 OK\r\n"), id="hangs in its headers"),
        pytest.param(says_and_hangs(response(AGENT)[:-3]), id="hangs in its body"),
        pytest.param(trickles, id="trickles"),
        pytest.param(resets, id="resets"),
        pytest.param(says(b""), id="closes"),
        pytest.param(says(response(AGENT)[:-3]), id="closes in its body"),
        pytest.param(says(b"SSH-2.0-OpenSSH_9.2\r\n"), id="speaks something else"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"), id="a header too long"),
        pytest.param(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), id="a broken chunk"),
        pytest.param(says(response(AGENT, "500 Internal Server Error")), id="an error"),
        pytest.param(says(response(AGENT, "404 Not Found")), id="not found"),
        pytest.param(says(response(b"", "204 No Content")), id="no content"),
        pytest.param(says(response(b"")), id="an empty body"),
        pytest.param(says(response(b"ok")), id="no JSON"),
        pytest.param(says(response(b"[]")), id="another JSON"),
        pytest.param(says(response(b'{"replica": "triton-0", "revision": -1}')), id="a number that cannot be"),
        pytest.param(says(response(b'{"replica": "\xff"}')), id="no UTF-8"),
        pytest.param(says(response(b"[" * 500_000)), id="a deep one"),
        pytest.param(says(response(b'{"replica": "triton-9"}')), id="another replica"),
        pytest.param(says(response(AGENT + b" " * MAX_BYTES)), id="too large"),
        pytest.param(says(response(gzip.compress(AGENT), "200 OK", "Content-Encoding: gzip")), id="compressed"),
        pytest.param(says(response(b"x", "200 OK", "Content-Encoding: gzip")), id="badly compressed"),
    ],
)
async def test_no_usable_answer_is_none(serve: Serve) -> None:
    async with listening(serve) as agent:
        assert await ask_agent(agent.url) is None


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    ended = asyncio.Event()

    async def never_ends(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        try:
            while True:
                writer.write(b" " * 65536)
                await writer.drain()
        finally:
            ended.set()

    async with listening(never_ends) as agent, PodClient(timeout_seconds=3600) as pod_client:
        async with asyncio.timeout(FAR_BEYOND_SECONDS):
            assert await pod_client.ask_agents([("triton-0", agent.url)]) == [None]
            await ended.wait()


async def test_a_redirect_is_not_followed() -> None:
    async with listening(says(response(AGENT))) as other:
        moved = response(b"", "302 Found", f"Location: {other.url}/state")
        async with listening(says(moved)) as agent:
            assert await ask_agent(agent.url) is None
        assert other.requests == []


@pytest.mark.parametrize("url", ["", "http://[", "http://127.0.0.1:1", "ftp://127.0.0.1"])
async def test_nobody_there_is_none(url: str) -> None:
    assert await ask_agent(url) is None


async def test_the_next_look_goes_over_the_same_connection() -> None:
    connections: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(response(AGENT).replace(b"Connection: close\r\n", b"Set-Cookie: a=b\r\n"))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        async with PodClient(5) as pod_client:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            for _ in range(3):
                assert (await pod_client.ask_agents([("triton-0", url)]))[0]
        await until(lambda: all(one.is_closing() for one in connections), "the connections are closed")
    assert len(connections) == 1


async def test_the_others_answers_come_in_order() -> None:
    async with (
        listening(says(response(AGENT))) as good,
        listening(says_and_hangs(b"")) as hanging,
        PodClient(PATIENT_SECONDS) as pod_client,
    ):
        agents = [("triton-0", hanging.url), ("triton-0", good.url), ("triton-0", ""), ("triton-0", good.url)]
        assert [state is not None for state in await pod_client.ask_agents(agents)] == [False, True, False, True]


async def test_nonsense_is_logged_once_until_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    content = [b"ok"]

    async def serve(writer: asyncio.StreamWriter) -> None:
        await says(response(content[0]))(writer)

    async with listening(serve) as agent, PodClient(5) as pod_client:
        with caplog.at_level(logging.WARNING):
            for body, logged in ((b"ok", 1), (b"ok", 1), (b"{}", 2), (b"{}", 2), (AGENT, 2), (b"{}", 3)):
                content[0] = body
                await pod_client.ask_agents([("triton-0", agent.url)])
                assert len(caplog.records) == logged, body
    assert vars(caplog.records[1])["url"] == f"{agent.url}/state"
    assert "replica: is missing" in vars(caplog.records[1])["error"]


async def test_an_agent_under_a_wrong_name_learns_how_to_fix_it(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(says(response(AGENT))) as agent, PodClient(5) as pod_client:
        with caplog.at_level(logging.WARNING):
            assert await pod_client.ask_agents([("triton-7", agent.url)]) == [None]
    problem = vars(caplog.records[0])["error"]
    assert problem == ("replica: is 'triton-0' at the address of pod triton-7; set MEDINFER_AGENT_REPLICA to its name")
