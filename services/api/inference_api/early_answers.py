"""Answers that are complete before the body of their request is, such as most refusals: they end the connection.

The client may stop sending then, or, where it asked with Expect: 100-continue, never begin. HAProxy keeps such a
connection all the same when its client speaks HTTP/2, and sends the next client's request on it. That would be taken
for the rest of the body, and what follows for a request: the next client would get an answer to it.
"""

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What the client still sends is read for so long: a close at once would reset the connection, and the client would
# not see the answer (RFC 9112 section 9.6). nginx does so, too (lingering_close).
LINGER_SECONDS = 20.0

_WITH_BODY = frozenset({b"content-length", b"transfer-encoding"})
_CLOSE = (b"connection", b"close")
_LAST = {"type": "http.response.body", "body": b"", "more_body": False}


async def call(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, linger_seconds: float = LINGER_SECONDS
) -> None:
    """Calls `app`. An answer that begins before the body was read to its end says `Connection: close`.

    What is left of the body is then read and dropped, after the answer and after `app` has returned.
    """
    if scope["type"] != "http" or not any(name in _WITH_BODY for name, _ in scope["headers"]):
        await app(scope, receive, send)
        return
    exchange = _Exchange(receive, send, (b"expect", b"100-continue") in scope["headers"])
    await app(scope, exchange.receive, exchange.send)
    if exchange.is_early and exchange.has_answered:
        await exchange.end(linger_seconds)


class _Exchange:
    def __init__(self, receive: Receive, send: Send, asks_first: bool) -> None:
        self._receive, self._send, self._asks_first = receive, send, asks_first
        self._left = True
        self.is_early = self.has_answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._asks_first = False
        self._left = bool(message.get("more_body", False))
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_early = self._left and not await self._has_come()
            if self.is_early:
                message = {**message, "headers": [*message.get("headers", ()), _CLOSE]}
        elif self.is_early and not message.get("more_body", False):
            self.has_answered = True
            message = {**message, "more_body": True}  # the server closes after the last one
        await self._send(message)

    async def end(self, linger_seconds: float) -> None:
        try:
            async with asyncio.timeout(linger_seconds):
                while self._left:
                    await self.receive()
        except TimeoutError:
            pass
        await self._send(_LAST)

    async def _has_come(self) -> bool:
        """Whether the server has the whole rest of the body already. Asking it would invite a client that waits."""
        if self._asks_first:
            return False
        try:
            async with asyncio.timeout(0):
                while self._left:
                    await self.receive()
        except TimeoutError:
            return False
        return True
