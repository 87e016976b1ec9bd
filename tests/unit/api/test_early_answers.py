"""An answer that comes before the whole body ends its connection, and only then."""

import asyncio
from collections.abc import Sequence

import pytest
from inference_api import early_answers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLOSE = (b"connection", b"close")
LENGTH, CHUNKED, ASKS = (b"content-length", b"4"), (b"transfer-encoding", b"chunked"), (b"expect", b"100-continue")


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await Response("no", 415)(scope, receive, send)


async def read_first(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await Response("no", 415)(scope, receive, send)


async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
    await Request(scope, receive).body()
    await Response("yes")(scope, receive, send)


class Server:
    """Has these chunks of a body; the last one ends it if `whole`, else nothing comes after them."""

    def __init__(self, chunks: Sequence[bytes], whole: bool) -> None:
        last = len(chunks) - 1
        self.chunks: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": not whole or at < last}
            for at, chunk in enumerate(chunks)
        ]
        self.asked = 0
        self.sent: list[Message] = []

    async def receive(self) -> Message:
        self.asked += 1
        if self.chunks:
            return self.chunks.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def call(self, app: ASGIApp, *headers: tuple[bytes, bytes]) -> bool:
        """Whether the answer says that it closes."""
        scope = {"type": "http", "method": "POST", "headers": list(headers)}
        await early_answers.call(app, scope, self.receive, self.send, linger_seconds=0.01)
        assert b"".join(message.get("body", b"") for message in self.sent) in (b"no", b"yes")
        assert [message.get("more_body", False) for message in self.sent][-1] is False
        return CLOSE in self.sent[0]["headers"]


@pytest.mark.parametrize(
    ("app", "chunks", "whole", "headers", "closes"),
    [
        pytest.param(refuse, [b"1234"], True, [LENGTH], False, id="refused-with-the-body-there"),
        pytest.param(refuse, [b"12", b"34"], True, [CHUNKED], False, id="refused-with-all-chunks-there"),
        pytest.param(refuse, [b"12"], False, [LENGTH], True, id="refused-with-half-of-the-body-there"),
        pytest.param(refuse, [], False, [CHUNKED], True, id="refused-before-the-body"),
        pytest.param(read_first, [b"12", b"34"], True, [LENGTH], False, id="refused-in-the-middle-with-the-body-there"),
        pytest.param(read_first, [b"12"], False, [LENGTH], True, id="refused-in-the-middle"),
        pytest.param(read_all, [b"12", b"34"], True, [LENGTH], False, id="read"),
        pytest.param(read_all, [b"1234"], True, [LENGTH, ASKS], False, id="asked-for-and-read"),
        pytest.param(refuse, [b"1234"], True, [LENGTH, ASKS], True, id="refused-and-not-asked-for"),
        pytest.param(refuse, [], False, [], False, id="a-request-without-a-body"),
    ],
)
async def test_it_closes_only_what_is_in_doubt(
    app: ASGIApp, chunks: list[bytes], whole: bool, headers: list[tuple[bytes, bytes]], closes: bool
) -> None:
    assert await Server(chunks, whole).call(app, *headers) is closes


async def test_a_client_that_waits_is_not_invited_to_send() -> None:
    """Asking for the body makes the server answer 100 (Continue)."""
    server, asked = Server([], False), []

    async def send(message: Message) -> None:
        asked.append(server.asked)

    scope = {"type": "http", "method": "POST", "headers": [LENGTH, ASKS]}
    await early_answers.call(refuse, scope, server.receive, send, linger_seconds=0.01)
    assert asked[:2] == [0, 0]


async def test_the_rest_is_dropped_before_the_end() -> None:
    """The answer is whole before it: with its length, the client needs no end of the connection."""
    server = Server([b"12"], False)
    server.chunks += [{"type": "http.request", "body": b"34", "more_body": True}, {"type": "http.disconnect"}]

    async def late() -> Message:
        await asyncio.sleep(0)
        return await server.receive()

    scope = {"type": "http", "method": "POST", "headers": [LENGTH]}
    await early_answers.call(refuse, scope, late, server.send)
    assert [message.get("body") for message in server.sent] == [None, b"no", b""]
    assert server.chunks == []
