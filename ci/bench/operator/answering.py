"""A small HTTP server for many addresses: the answer depends on the address that was asked, and on the path."""

import asyncio
from collections.abc import Callable
from typing import cast

Answer = Callable[[str], bytes | None]
END = b"\r\n\r\n"


class Answering(asyncio.Protocol):
    """GET only. `answer`: of an address; None is a 404. `idle_seconds`: after so long a connection is closed."""

    def __init__(self, path: bytes, answer: Answer, idle_seconds: float) -> None:
        self._path, self._answer, self._idle_seconds = path, answer, idle_seconds
        self._received = b""
        self._closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but name
        self._address = transport.get_extra_info("sockname")[0]
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._closing:
            self._closing.cancel()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while END in self._received:
            head, _, self._received = self._received.partition(END)
            content = self._answer(self._address) if head.split(b" ", 2)[1] == self._path else None
            self._transport.write(response(content))
        self._expect()

    def _expect(self) -> None:
        if self._closing:
            self._closing.cancel()
        self._closing = asyncio.get_running_loop().call_later(self._idle_seconds, self._transport.close)


def response(content: bytes | None) -> bytes:
    status = b"404 Not Found" if content is None else b"200 OK"
    body = content or b""
    length = str(len(body)).encode()
    return b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: " + length + END + body
