"""What `make open` carries between this machine and the local cluster."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ci.cluster.forward import forward

HOST = "127.0.0.1"


def listening() -> socket.socket:
    return socket.create_server((HOST, 0))


@asynccontextmanager
async def forwarding(target_port: int) -> AsyncIterator[int]:
    """The port that leads to the target."""
    made = listening()
    port: int = made.getsockname()[1]
    task = asyncio.create_task(forward([f"{made.detach()}={HOST}:{target_port}"]))
    yield port
    task.cancel()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Once it has heard everything, the same backwards."""
    writer.write((await reader.read())[::-1])
    await writer.drain()
    writer.close()


async def test_both_directions_are_carried_to_their_ends() -> None:
    data = bytes(range(256)) * 2000
    server = await asyncio.start_server(answer, HOST, 0)
    async with server, forwarding(server.sockets[0].getsockname()[1]) as port:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(data)
        writer.write_eof()
        assert await asyncio.wait_for(reader.read(), 10) == data[::-1]
        writer.close()


async def test_a_service_without_a_pod_is_named_and_others_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with listening() as closed:
        port_of_nobody = closed.getsockname()[1]
    async with forwarding(port_of_nobody) as port:
        for _ in range(2):
            reader, writer = await asyncio.open_connection(HOST, port)
            assert await asyncio.wait_for(reader.read(), 10) == b""
            writer.close()
    assert f"{HOST}:{port_of_nobody} does not answer" in capsys.readouterr().err
