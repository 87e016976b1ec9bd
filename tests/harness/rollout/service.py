"""What a Service does for connections: each new one goes to the next pod that is ready and not about to end."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Sequence

from tests.harness.threaded import Threaded

Endpoint = tuple[str, int]
PART_BYTES = 1 << 16


class Service(Threaded):
    """`endpoints` is asked for each new connection; one that is open stays with its pod, as with kube-proxy."""

    def __init__(self, address: str, port: int, endpoints: Callable[[], Sequence[Endpoint]]) -> None:
        super().__init__()
        self._address, self._port, self._endpoints = address, port, endpoints
        self._turn = 0
        self._open: Counter[Endpoint] = Counter()

    @property
    def url(self) -> str:
        return f"http://{self._address}:{self._port}"

    def connections_to(self, endpoint: Endpoint) -> int:
        """Of clients, to this pod; they outlive its time as an endpoint."""
        return self._open[endpoint]

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, self._address, self._port, backlog=512)

    async def _stop(self) -> None:
        """What is still open is broken off."""
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        chosen = list(self._endpoints())
        self._turn += 1
        try:
            if not chosen:
                raise ConnectionError("no endpoint")
            endpoint = chosen[self._turn % len(chosen)]
            pod_reader, pod_writer = await asyncio.open_connection(*endpoint)
        except (OSError, asyncio.CancelledError):
            writer.transport.abort()
            return
        self._open[endpoint] += 1
        try:
            await asyncio.gather(_copy(reader, pod_writer), _copy(pod_reader, writer))
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            self._open[endpoint] -= 1


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; then it ends the other."""
    try:
        while part := await reader.read(PART_BYTES):
            writer.write(part)
            await writer.drain()
        with contextlib.suppress(OSError, RuntimeError):
            if writer.can_write_eof():
                writer.write_eof()
    except OSError:
        pass
    finally:
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()
