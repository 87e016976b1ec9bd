"""The gunicorn worker: uvicorn, with an end that drops no request.

On SIGTERM uvicorn closes idle kept-alive connections at once, and with them requests that are on their way or not read
yet. This worker stops accepting on the public port, answers every request with `Connection: close`, and waits until the
clients have closed. The inner port answers until the end: the operator wants to know which requests are in flight.
"""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from gunicorn.arbiter import Arbiter
from uvicorn.config import Config
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from inference_api.process.connection_limits import Guard
from inference_api.process.guarded_protocol import GuardedProtocol, GuardedServerState

_CLOSE = (b"connection", b"close")
_TICK_SECONDS = 0.1
# How long a thread that computes may keep the event loop waiting each time the loop returns from a system call.
# Python's default is 5 ms: ten such calls in one turn of the loop would be 50 ms.
_SWITCH_SECONDS = 0.0005


class DrainingServer(Server):
    """`guard`: the limits of its connections.

    `is_draining`: whether the pod is about to end. Responses then close their connections.

    `drain_seconds`: how long clients may take to close after SIGTERM. Clients are the connections to
    `public_port`, and no others are a reason to wait.
    """

    def __init__(
        self, config: Config, guard: Guard, is_draining: Callable[[], bool], drain_seconds: float, public_port: int
    ) -> None:
        super().__init__(config)
        self.clients = guard.listener(public_port)
        self.server_state = GuardedServerState(guard)
        self._is_draining = is_draining
        self._drain_seconds = drain_seconds
        self._public_port = public_port
        self._parent_pid = os.getppid()

    async def on_tick(self, counter: int) -> bool:
        """Runs ten times a second; True ends the server. It ends, too, when gunicorn is gone."""
        should_exit = await super().on_tick(counter)
        if self._is_draining():
            self._close_after_responses()
        return should_exit or os.getppid() != self._parent_pid

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drains first on SIGTERM, but not on SIGQUIT or SIGINT."""
        if signal.SIGTERM in self._captured_signals:
            await self._drain()
        await super().shutdown(sockets)

    async def _drain(self) -> None:
        for server in self.servers:
            if any(listener.getsockname()[1] == self._public_port for listener in server.sockets):
                server.close()
        until = asyncio.get_running_loop().time() + self._drain_seconds
        while asyncio.get_running_loop().time() < until:
            self._close_after_responses()
            if self.config.callback_notify is not None:
                await self.config.callback_notify()
            await asyncio.sleep(_TICK_SECONDS)
            if not self.clients and not self.server_state.tasks:
                return

    def _close_after_responses(self) -> None:
        """Idle connections stay open: a request may be on its way, whose response will close them."""
        if _CLOSE not in self.server_state.default_headers:
            self.server_state.default_headers.append(_CLOSE)  # in place: requests under way hold this very list
        for connection in self.server_state.connections:
            assert isinstance(connection, GuardedProtocol)
            if connection.cycle is not None and not connection.cycle.response_complete:
                connection.cycle.keep_alive = False


class Worker(UvicornWorker):  # type: ignore[misc]  # uvicorn_worker has no types
    """gunicorn.conf.py names this class."""

    CONFIG_KWARGS: dict[str, Any] = {  # noqa: RUF012  # declared so by the base class
        "loop": "uvloop",
        "http": GuardedProtocol,
        "ws": "none",
        "lifespan": "on",
        "proxy_headers": False,
        "server_header": False,
        # Of every answer. An answer is a diagnosis: no cache keeps it, no page of another origin embeds it.
        "headers": [
            ("X-Content-Type-Options", "nosniff"),
            ("Cache-Control", "no-store"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
        ],
    }

    async def _serve(self) -> None:
        sys.setswitchinterval(_SWITCH_SECONDS)
        service = self.wsgi.service
        self.config.app = service.guarded(self.wsgi)
        settings = service.settings
        server = DrainingServer(
            self.config, service.guard(), lambda: service.draining, settings.drain_seconds, settings.public_port
        )
        service.connections.attach(server.clients)
        # gunicorn's quick stop; uvicorn itself listens to SIGTERM and SIGINT
        asyncio.get_running_loop().add_signal_handler(signal.SIGQUIT, server.handle_exit, signal.SIGQUIT, None)
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
