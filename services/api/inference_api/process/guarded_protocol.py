"""uvicorn's HTTP protocol with limits: it has none for heads, for silence, or for the number of connections.

Everything here costs constant time per piece of data, whatever the client sends.
"""

import asyncio
import socket
from asyncio.events import TimerHandle
from collections.abc import Callable
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from inference_api import problems, request_ids
from inference_api.problems import Problem
from inference_api.process import upgrades
from inference_api.process.client_connections import ClientConnections
from inference_api.process.connection_limits import Closed, Guard
from inference_api.process.joined_writes import JoinedWrites

MAX_PIPELINED = 16

# A body may come in this many chunks, and one more for each this many bytes: each chunk costs time on the event loop.
FREE_CHUNKS = 2048
MEAN_CHUNK_BYTES = 128

# After a refusal the client may still be sending. To close at once would reset the connection, and the client would not
# see the answer (RFC 9112 section 9.6).
LINGER_SECONDS = 1.0
LINGER_BYTES = 4 * 2**20

_PIECE_BYTES = 64 * 1024
_CLIENT_REQUEST_ID = b"x-client-request-id"
_CLOSE = (b"connection", b"close")


class GuardedServerState(ServerState):
    """What the connections of one worker share."""

    def __init__(self, guard: Guard) -> None:
        super().__init__()
        self.guard = guard


class GuardedProtocol(HttpToolsProtocol):
    """One connection. A refusal is a problem document, after which the connection ends.

    An offered upgrade (h2c, websocket) is ignored and the request is served, as RFC 9110 section 7.8 allows.
    Trailers are dropped: they come after the headers were used. Every answer repeats the client's own request id.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        assert isinstance(server_state, GuardedServerState)
        self._guard = server_state.guard
        self._limits = self._guard.limits
        self._connections: ClientConnections[GuardedProtocol] | None = None
        self._deadline: TimerHandle | None = None
        self._write_deadline: TimerHandle | None = None
        self._in_head = True
        self._head_began = False
        self._head_timed = False
        self._bytes_left = self._limits.max_head_bytes
        self._body_came = False
        self._body_bytes = self._chunks = 0
        self._upgrade_offered = False
        self._why: Problem | None = None
        self._discards = False
        self._discarded_bytes = 0

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]  # what uvicorn uses of it
        connections = self._guard.listener(self.server[1] if self.server else None)
        if connections.is_full and not _make_room(connections):
            self._refuse(problems.too_many_connections())
            transport.close()
            return
        connections.enter(self)
        self._connections = connections
        _limit_unacknowledged(transport, self._limits.write_timeout_seconds)
        self._set_deadline(self._limits.first_byte_timeout_seconds, self._close_for(Closed.NO_FIRST_BYTE))

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        self._cancel_write_deadline()
        if self._connections is not None:
            self._connections.leave(self)
            self._connections = None
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Ends this silent connection, because a new one needs its place."""
        if self._connections is not None:
            self._connections.leave(self)
            self._connections = None
        self._guard.closed(Closed.MADE_ROOM)
        self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._write_deadline is None:
            late = self._close_for(Closed.UNREAD_ANSWER)
            self._write_deadline = self.loop.call_later(self._limits.write_timeout_seconds, late)

    def resume_writing(self) -> None:
        self._cancel_write_deadline()
        super().resume_writing()

    # Data

    def data_received(self, data: bytes) -> None:
        """In pieces, so that a head is measured to the byte, and counted wherever it begins but for one piece."""
        if self._discards:
            self._discard(len(data))
            return
        self._unset_keepalive_if_required()
        if len(data) <= self._bytes_left:
            self._feed(data)
            return
        at = 0
        while at < len(data) and not self._discards and not self.transport.is_closing():
            size = min(_PIECE_BYTES, self._bytes_left) if self._in_head else _PIECE_BYTES
            piece = data if at == 0 and size >= len(data) else memoryview(data)[at : at + size]
            at += len(piece)
            self._feed(piece)

    def _feed(self, piece: bytes | memoryview) -> None:
        self._bytes_left -= len(piece)
        self._body_came = False
        try:
            self.parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            self._serve_without_upgrade(piece[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            self._refuse(self._why or problems.bad_request(_reason(error)))
            return
        if self._body_came:
            self._bytes_left = self._limits.max_head_bytes
        elif self._bytes_left <= 0:
            self._refuse(problems.head_too_large(self._limits.max_head_bytes))
        elif (
            self._in_head
            and not self._head_timed
            and (self._head_began or self._bytes_left < self._limits.max_head_bytes)
        ):
            self._head_timed = True
            self._set_deadline(self._limits.head_timeout_seconds, self._head_late)

    def _serve_without_upgrade(self, rest: bytes | memoryview) -> None:
        """Parses the head again without its upgrade: the parser takes what follows an upgrade for another protocol."""
        method, version = self.parser.get_method(), self.parser.get_http_version()
        head = upgrades.head_without_upgrade(method, self.url, version, self.headers)
        self._upgrade_offered = False
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._bytes_left = self._limits.max_head_bytes + len(head)
        self._feed(head)
        if rest and not self._discards:
            self._feed(rest)

    # The parser's callbacks

    def on_message_begin(self) -> None:
        self._head_began = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self._offer_upgrade()
            return
        if len(self.pipeline) >= MAX_PIPELINED:
            self._why = problems.bad_request(f"more than {MAX_PIPELINED} requests wait for their answers")
            raise ValueError(self._why.detail)
        super().on_headers_complete()
        if client_id := request_ids.of_client(self.headers):
            self.cycle.default_headers = [*self.cycle.default_headers, (_CLIENT_REQUEST_ID, client_id)]
        self.headers = []  # the request has its own list already: here come trailers
        self._in_head = self._head_began = False
        self._bytes_left = self._limits.max_head_bytes
        self._body_bytes = self._chunks = 0
        self._cancel_deadline()
        if self._connections is not None:
            self._connections.begin_request(self)

    def on_body(self, body: bytes) -> None:
        self._body_came = True
        self._body_bytes += len(body)
        super().on_body(body)

    def on_chunk_header(self) -> None:
        """httptools calls it at each chunk of a chunked body."""
        self._chunks += 1
        if self._chunks > FREE_CHUNKS + self._body_bytes // MEAN_CHUNK_BYTES:
            self._why = problems.bad_request(f"its chunks are too small: send {MEAN_CHUNK_BYTES} bytes or more in each")
            raise ValueError(self._why.detail)

    def on_message_complete(self) -> None:
        if self._upgrade_offered:
            return
        super().on_message_complete()
        self._in_head, self._head_timed = True, False
        self._bytes_left = self._limits.max_head_bytes
        if self.cycle.response_complete and not self.transport.is_closing():
            self._cancel_deadline()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def on_response_complete(self) -> None:
        if self._discards:
            self.transport.close()
            return
        is_last = not self.pipeline
        super().on_response_complete()
        if self.transport.is_closing() or not is_last or self._connections is None:
            return
        self._connections.end_request(self)
        if not self._in_head:
            self._set_deadline(self._limits.first_byte_timeout_seconds, self._close_for(Closed.UNSENT_BODY))

    def _offer_upgrade(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            self._why = Problem(405, "method-not-allowed", "This is not a proxy: CONNECT is not answered.")
            raise ValueError(self._why.detail)
        self._upgrade_offered = True

    # Refusals

    def _head_late(self) -> None:
        self._refuse(problems.head_timeout(self._limits.head_timeout_seconds))

    def _refuse(self, problem: Problem) -> None:
        """Answers, or lets the answers under way be the last ones; what the client still sends is discarded."""
        request_id = request_ids.new()
        self._guard.refused(problem.kind, problem.status, request_id)
        self._discards = True
        self._cancel_deadline()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if self._in_head or self.pipeline:
                return  # `on_response_complete` closes
            if cycle.response_started:
                self.transport.abort()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        self._write(problem, request_id)
        self.flow.resume_reading()
        self._set_deadline(LINGER_SECONDS, self.transport.close)

    def _write(self, problem: Problem, request_id: str) -> None:
        response = problems.response(problem, request_id)
        headers = [one for one in self.server_state.default_headers if one != _CLOSE]
        lines = [STATUS_LINE[problem.status]]
        for name, value in (*headers, *response.raw_headers, _CLOSE):
            lines += [name, b": ", value, b"\r\n"]
        self.transport.write(b"".join([*lines, b"\r\n", response.body]))
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _discard(self, length: int) -> None:
        self._discarded_bytes += length
        if self._discarded_bytes > LINGER_BYTES:
            self.transport.abort()

    # Deadlines

    def _close_for(self, reason: Closed) -> Callable[[], None]:
        def close() -> None:
            self._guard.closed(reason)
            self.transport.abort()

        return close

    def _set_deadline(self, seconds: float, late: Callable[[], None]) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(seconds, late)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _cancel_write_deadline(self) -> None:
        if self._write_deadline is not None:
            self._write_deadline.cancel()
            self._write_deadline = None


def _make_room(connections: ClientConnections[GuardedProtocol]) -> bool:
    oldest = connections.oldest_silent()
    if oldest is None:
        return False
    oldest.give_way()
    return True


def _limit_unacknowledged(transport: asyncio.Transport, seconds: float) -> None:
    """The kernel ends the connection when the client takes no byte of an answer for a second longer: RFC 5482.

    A second, so that a large answer, of which a part waits in this process, is ended and counted here.
    """
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000) + 1000)


def _reason(error: httptools.HttpParserError) -> str:
    if isinstance(error, httptools.HttpParserCallbackError):
        return "its URL cannot be read"
    return str(error).rstrip(".").lower() or "it cannot be read"
