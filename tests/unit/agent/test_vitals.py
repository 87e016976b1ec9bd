"""Whether Triton answered its health until it ended, as a table, and how its health is asked."""

import asyncio

import pytest
from replica_agent.vitals import SILENT_SECONDS, Vitals, ask_live

Seen = tuple[int | None, bool | None, float]
OPEN: Seen = (1, True, 0)


@pytest.mark.parametrize(
    ("seen", "ended_answering"),
    [
        pytest.param([(1, True, 0), (1, True, 9)], None, id="it-runs"),
        pytest.param([(1, True, 0), (None, None, 1)], True, id="it-ended"),
        pytest.param([(1, True, 0), (2, True, 1)], True, id="it-ended-and-is-back-before-anybody-looked"),
        pytest.param([(1, True, 0), (1, None, 3), (None, None, 6)], True, id="one-answer-was-late"),
        pytest.param([(1, True, 0), (None, None, SILENT_SECONDS)], True, id="just-in-time"),
        pytest.param([(1, True, 0), (None, None, SILENT_SECONDS + 1)], False, id="it-was-silent-for-long"),
        pytest.param([(1, True, 0), (1, False, 1), (None, None, 99)], True, id="it-closed-and-took-long-to-end"),
        pytest.param([(1, True, 0), (1, None, 9), (1, False, 70), (None, None, 71)], False, id="silent-then-closed"),
        pytest.param([(1, True, 0), (1, False, 1), (1, True, 2), (None, None, 99)], False, id="open-again-then-silent"),
        pytest.param([(1, None, 0), (None, None, 1)], None, id="it-never-answered"),
        pytest.param([(1, True, 0), (2, None, 1), (None, None, 2)], True, id="the-next-one-never-answered"),
        pytest.param([(1, True, 0), (2, True, 1), (None, None, 99)], False, id="the-last-one-counts"),
        pytest.param([(None, True, 0), (1, None, 1), (None, None, 2)], None, id="the-one-before-is-not-asked"),
    ],
)
def test_to_the_end(seen: list[Seen], ended_answering: bool | None) -> None:
    assert after(seen).ended_answering is ended_answering


@pytest.mark.parametrize(
    ("seen", "is_closed"),
    [
        pytest.param([(1, True, 0)], False, id="open"),
        pytest.param([(1, None, 0)], False, id="late"),
        pytest.param([(1, False, 0)], False, id="never-open"),
        pytest.param([OPEN, (1, False, 1)], True, id="closed"),
        pytest.param([OPEN, (1, None, 1)], False, id="open-and-late"),
        pytest.param([OPEN, (1, False, 1), (1, None, 2)], True, id="closed-and-late"),
        pytest.param([OPEN, (1, False, 1), (1, True, 2)], False, id="open-again"),
        pytest.param([OPEN, (1, False, 1), (None, None, 2)], False, id="gone"),
        pytest.param([OPEN, (1, False, 1), (2, False, 2)], False, id="another-one-is-not-open-yet"),
    ],
)
def test_whether_it_takes_requests(seen: list[Seen], is_closed: bool) -> None:
    assert after(seen).is_closed is is_closed


def after(seen: list[Seen]) -> Vitals:
    vitals = Vitals()
    for connection, is_live, now_seconds in seen:
        vitals.note(connection, is_live, now_seconds)
    return vitals


@pytest.mark.parametrize(
    ("answer", "is_live"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False),
        (b"HTTP", False),
        (b"", False),
    ],
)
async def test_its_health(answer: bytes, is_live: bool) -> None:
    ended = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()).startswith(b"GET /v2/health/live ")
        writer.write(answer)
        writer.close()
        ended.set()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ask_live("127.0.0.1", port) is is_live
        await ended.wait()
    assert await ask_live("127.0.0.1", port) is False, "nobody listens"


async def test_a_late_answer_says_nothing() -> None:
    ended = asyncio.Event()

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        ended.set()

    async with await asyncio.start_server(wait, "127.0.0.1", 0) as server:
        assert await ask_live("127.0.0.1", server.sockets[0].getsockname()[1], timeout_seconds=0.05) is None
        await ended.wait()


async def test_ipv6_in_brackets() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "::1", 0) as server:
        assert await ask_live("[::1]", server.sockets[0].getsockname()[1])
