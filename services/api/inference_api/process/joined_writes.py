"""Sends the head of an answer together with its body, which uvicorn writes apart: one system call and packet less."""

import asyncio
from typing import Any


class JoinedWrites:
    """A transport. The first bytes written in a turn of the event loop wait for the next, at most until the turn ends.

    All else is the transport's own.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._waiting = b""
        self.is_closing = transport.is_closing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Takes these bytes. All are sent in order."""
        if self._waiting:
            self._send(data)
        else:
            self._waiting = data
            self._loop.call_soon(self._send)

    def write_eof(self) -> None:
        """Sends what waits, and that no more follows."""
        self._send()
        self._transport.write_eof()

    def close(self) -> None:
        """Sends what waits, and closes."""
        self._send()
        self._transport.close()

    def abort(self) -> None:
        """Drops what waits, and closes at once."""
        self._waiting = b""
        self._transport.abort()

    def _send(self, more: bytes = b"") -> None:
        if self._waiting:
            data, self._waiting = self._waiting + more, b""
            self._transport.write(data)
