"""A guarded server on a loopback port, and what a client sends to it and gets back."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from inference_api.process.connection_limits import ConnectionLimits, Guard
from inference_api.process.guarded_protocol import GuardedProtocol, GuardedServerState
from inference_api.process.sampled_log import SampledLog
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config

LIMITS = ConnectionLimits(
    max_connections=8,
    max_head_bytes=4096,
    first_byte_timeout_seconds=30,
    head_timeout_seconds=30,
    write_timeout_seconds=30,
)
# A test that waits longer than this for an answer fails.
PATIENCE_SECONDS = 20


@dataclass
class Answer:
    """`head` is the status line and the headers in lower case; `rest` what followed the body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def kind(self) -> str:
        return str(self.document["type"]).removeprefix("urn:medinfer:problem:")


@dataclass
class Client:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes) -> None:
        """Each piece on its own, so that the server sees them apart."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def answer(self) -> Answer:
        async with asyncio.timeout(PATIENCE_SECONDS):
            lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(int(lines[0].split()[1]), headers, body)

    async def ask(self, *pieces: bytes) -> Answer:
        await self.send(*pieces)
        return await self.answer()

    async def is_closed(self) -> bool:
        """Waits until the server has closed, without another byte."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await self.reader.read() == b""
        except ConnectionError:
            return True


@dataclass
class Server:
    port: int
    state: GuardedServerState
    refused: Counter[str] = field(default_factory=Counter)
    closed: Counter[str] = field(default_factory=Counter)
    scopes: list[Scope] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def connect(self) -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._writers.append(writer)
        return Client(reader, writer)

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with the length of the body; at /early before it is read, at /wait when the test says so."""
        self.scopes.append(scope)
        length, more = 0, scope["path"] != "/early"
        if scope["path"] == "/wait":
            await self.go_on.wait()
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            length += len(message["body"])
            more = message["more_body"]
        body = b"x" * 2**25 if scope["path"] == "/large" else str(length).encode()
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(limits: ConnectionLimits = LIMITS) -> AsyncIterator[Server]:
    """A server with these limits."""
    loop = asyncio.get_running_loop()
    refused: Counter[str] = Counter()
    closed: Counter[str] = Counter()
    guard = Guard(
        limits,
        lambda kind: refused.update([kind]),
        lambda reason: closed.update([reason]),
        SampledLog(logging.getLogger(__name__), loop.time),
    )
    server = Server(0, GuardedServerState(guard), refused, closed)
    config = Config(
        server.app,
        http=GuardedProtocol,
        lifespan="off",
        interface="asgi3",
        proxy_headers=False,
        log_config=None,
        timeout_keep_alive=30,
    )
    config.load()
    listener = await loop.create_server(lambda: GuardedProtocol(config, server.state, {}, loop), "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.go_on.set()
        for writer in server._writers:
            writer.close()
        listener.close()
        for connection in list(server.state.connections):
            connection.transport.abort()
        await asyncio.gather(*server.state.tasks)
        await asyncio.sleep(0)
