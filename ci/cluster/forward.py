"""`python -m ci.cluster.forward SOCKET=ADDRESS:PORT ...`: from sockets that it inherits to addresses near it."""

import asyncio
import contextlib
import socket
import sys
from functools import partial

CHUNK_BYTES = 64 * 1024


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, to its end."""
    with contextlib.suppress(OSError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


async def connect(address: str, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer):
        try:
            from_there, to_there = await asyncio.open_connection(address, port)
        except OSError as error:
            print(f"{address}:{port} does not answer: {error}", file=sys.stderr)
            return
        with contextlib.closing(to_there):
            await asyncio.gather(carry(reader, to_there), carry(from_there, writer))


async def forward(arguments: list[str]) -> None:
    """Until it is cancelled."""
    servers = []
    for argument in arguments:
        number, _, target = argument.partition("=")
        address, _, port = target.rpartition(":")
        listening = socket.socket(fileno=int(number))
        servers.append(await asyncio.start_server(partial(connect, address, int(port)), sock=listening))
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(forward(sys.argv[1:]))
