"""Kept-alive HTTP/1.1 connections to one host and port, for large requests and small answers, one at a time.

A request is sent from its own memory, without a copy. The buffer may be changed once the answer is complete or the
exchange has failed: a connection that failed is aborted, so that it sends nothing more.

    ConnectionFailure
      Unreachable   no connection: no address known, refused, no route, or none within CONNECT_SECONDS
      Broken        the connection ended, or did not speak HTTP, before the answer was complete
    ExchangeTimeout the answer did not come in time
"""

import asyncio
import itertools
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import httptools

from inference_api.transport.resolver import Addresses, Resolver, Unresolved
from inference_api.transport.tasks import done_within

CONNECT_SECONDS = 0.3
MAX_IDLE_SECONDS = 30.0  # NATs and proxies drop idle connections silently
MAX_ANSWER_BYTES = 1024 * 1024
_SEND_BUFFER_BYTES = 1024 * 1024  # one image's tensor goes to the kernel in one call
_MAX_IDLE = 64
_epochs = itertools.count(1)

Payload = bytes | bytearray | memoryview


class ConnectionFailure(Exception):
    """The transport failed, which says nothing about how the other side would have answered."""


class Unreachable(ConnectionFailure):
    """There was no connection, so nothing of the request was sent."""


class Broken(ConnectionFailure):
    """The connection ended after the request was sent on it."""


class ExchangeTimeout(Exception):
    """There was no complete answer by the time given."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP answer; header names are in lower case."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes


class Connection(asyncio.Protocol):
    """One connection, for one exchange at a time. asyncio and httptools call its other methods."""

    def __init__(self, loop: asyncio.AbstractEventLoop, on_lost: Callable[["Connection"], None]) -> None:
        self._loop = loop
        self._on_lost = on_lost
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._headers: dict[bytes, bytes] = {}
        self._body = b""
        self.is_open = False
        self.was_ended = False  # by the other side
        self.saw_answer = False
        self.idle_since = 0.0

    async def exchange(self, request: Payload, until: float) -> Reply:
        """Sends the request and waits for its answer until the loop's time `until`; raises Broken, ExchangeTimeout."""
        transport = self._transport
        if transport is None or not self.is_open:
            raise Broken("the connection ended before it was used")
        waiter: asyncio.Future[Reply] = self._loop.create_future()
        self._waiter = waiter
        self.saw_answer = False
        timer = self._loop.call_at(until, self._expire)
        try:
            transport.write(request)
            return await waiter
        except BaseException:
            self.abort()
            raise
        finally:
            timer.cancel()
            self._waiter = None

    def abort(self) -> None:
        """Ends the connection at once, without sending what is still unsent."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sets the socket up for one large write."""
        self._transport = cast(asyncio.Transport, transport)
        self.is_open = True
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fails the exchange, and tells the pool."""
        self.was_ended, self.is_open = self.is_open, False
        self._fail(Broken(f"the connection ended before the answer was complete ({exc or 'closed by the other side'})"))
        self._on_lost(self)

    def data_received(self, data: bytes) -> None:
        """Parses an answer; data that nobody waits for ends the connection."""
        self.saw_answer = True
        if self._waiter is None:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(Broken(f"the other side does not speak HTTP ({error})"))

    def on_message_begin(self) -> None:
        """An answer starts."""
        self._headers, self._body = {}, b""
        if self._waiter is None or self._waiter.done():
            self.abort()  # a second answer must not be taken for the next request's

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of the answer."""
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """A part of the answer's body."""
        self._body = self._body + body if self._body else body
        if len(self._body) > MAX_ANSWER_BYTES:
            self._fail(Broken(f"the answer is larger than {MAX_ANSWER_BYTES} bytes"))

    def on_message_complete(self) -> None:
        """The answer is complete."""
        assert self._transport is not None
        if not self._parser.should_keep_alive() or self._transport.get_write_buffer_size():
            self.abort()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(Reply(self._parser.get_status_code(), self._headers, self._body))

    def _expire(self) -> None:
        self._fail(ExchangeTimeout("no answer in time"))

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)


Check = Callable[[Connection], Awaitable[None]]


class Pool:
    """The connections to one host and port, one for each concurrent exchange.

    `epoch` is a new number, unique among all pools, whenever the process at the other side may be a different one: when
    it ended a connection, or when a connection was made while none was open.
    """

    def __init__(self, host: str, port: int, names: Resolver) -> None:
        self.host = host
        self.port = port
        self.epoch = 0
        self._names = names
        self._idle: list[Connection] = []
        self._all: set[Connection] = set()

    async def exchange(
        self, request: Payload, until: float, *, repeat: bool = True, check: Check | None = None
    ) -> Reply:
        """One request and its answer. Raises Unreachable, Broken, ExchangeTimeout, and what `check` raises.

        The other side may close a kept-alive connection just when it is used. The request is then sent once more, on a
        new connection, unless `repeat` is false. `check` gets the connection before the request is sent on it,
        so that `epoch` is the one that the request will meet.
        """
        connection = self._take()
        if connection is not None:
            try:
                return await self._exchange_on(connection, request, until, check)
            except Broken:
                if connection.saw_answer or not repeat:
                    raise
        return await self._exchange_on(await self._connect(until), request, until, check)

    def close(self) -> None:
        """Closes the connections that are not in use."""
        while self._idle:
            self._idle.pop().abort()

    def _take(self) -> Connection | None:
        oldest = asyncio.get_running_loop().time() - MAX_IDLE_SECONDS
        while self._idle:
            connection = self._idle.pop()
            if connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    async def _exchange_on(self, connection: Connection, request: Payload, until: float, check: Check | None) -> Reply:
        try:
            if check:
                await check(connection)
            return await connection.exchange(request, until)
        except Broken:
            self._names.forget(self.host)
            raise
        finally:
            self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        if not connection.is_open:
            return
        if len(self._idle) < _MAX_IDLE:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.abort()

    async def _connect(self, until: float) -> Connection:
        where = f"{self.host}:{self.port}"
        try:
            addresses = await self._names.addresses(self.host, until)
        except Unresolved as error:
            raise Unreachable(f"{where}: no address: {error}") from None
        loop = asyncio.get_running_loop()
        opening = loop.create_task(self._open(addresses))
        try:
            if await done_within(opening, min(until - loop.time(), CONNECT_SECONDS)):
                return opening.result()
            reason = f"no connection within {CONNECT_SECONDS * 1000:g} ms"
        except OSError as error:
            reason = os.strerror(error.errno or 0)
        finally:
            opening.cancel()
        self._names.forget(self.host)
        raise Unreachable(f"{where}: {reason}")

    async def _open(self, addresses: Addresses) -> Connection:
        *others, last = addresses
        for address in others:
            with suppress(OSError):
                return await self._open_to(address)
        return await self._open_to(last)

    async def _open_to(self, address: str) -> Connection:
        loop = asyncio.get_running_loop()
        connection = (await loop.create_connection(lambda: Connection(loop, self._drop), address, self.port))[1]
        if not any(other.is_open for other in self._all):
            self.epoch = next(_epochs)
        if connection.is_open:
            self._all.add(connection)
        return connection

    def _drop(self, connection: Connection) -> None:
        self._all.discard(connection)
        if connection.was_ended:
            self.epoch = next(_epochs)
        if connection in self._idle:
            self._idle.remove(connection)
            self._names.forget(self.host)
