"""Whether Triton answered its health until it ended, as a table, and how its health is asked."""

import asyncio

import pytest
from replica_agent.vitals import SILENT_SECONDS, Vitals, ask_live

Seen = tuple[int | None, bool, float]


@pytest.mark.parametrize(
    ("seen", "ended_answering"),
    [
        pytest.param([(1, True, 0.0), (1, True, 9.0)], None, id="it-runs"),
        pytest.param([(1, True, 0.0), (None, False, 1.0)], True, id="it-ended"),
        pytest.param([(1, True, 0.0), (2, True, 1.0)], True, id="it-ended-and-is-back-before-anybody-looked"),
        pytest.param([(1, True, 0.0), (1, False, 3.0), (None, False, 6.0)], True, id="one-answer-was-late"),
        pytest.param([(1, True, 0.0), (None, False, SILENT_SECONDS)], True, id="just-in-time"),
        pytest.param([(1, True, 0.0), (None, False, SILENT_SECONDS + 1)], False, id="it-was-silent-for-long"),
        pytest.param([(1, False, 0.0), (None, False, 1.0)], None, id="it-never-answered"),
        pytest.param([(1, True, 0.0), (2, False, 1.0), (None, False, 2.0)], True, id="the-next-one-never-answered"),
        pytest.param([(1, True, 0.0), (2, True, 1.0), (None, False, 99.0)], False, id="the-last-one-counts"),
        pytest.param([(None, True, 0.0), (1, False, 1.0), (None, False, 2.0)], None, id="the-one-before-is-not-asked"),
    ],
)
def test_to_the_end(seen: list[Seen], ended_answering: bool | None) -> None:
    vitals = Vitals()
    for connection, is_live, now_seconds in seen:
        vitals.note(connection, is_live, now_seconds)
    assert vitals.ended_answering is ended_answering


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
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readline()).startswith(b"GET /v2/health/live ")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ask_live("127.0.0.1", port) is is_live
    assert not await ask_live("127.0.0.1", port), "nobody listens"
