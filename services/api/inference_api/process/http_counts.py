"""Counts and times what an application answers, by path, method and status."""

import time
from collections.abc import Awaitable, Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference_api.process.measurements import Measurements

# What prometheus-fastapi-instrumentator calls a path that the application does not have. There is no end of them.
NO_HANDLER = "none"


class HttpCounts:
    """`app` itself, and a count of each answer. `paths`: those that the application has.

    A request that gets no answer, because its client has gone, is not counted.
    """

    def __init__(self, app: ASGIApp, paths: Collection[str], measurements: Measurements) -> None:
        self._app = app
        self._paths = frozenset(paths)
        self._measurements = measurements

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 0

        def note_status(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            return send(message)

        try:
            await self._app(scope, receive, note_status)
        finally:
            if status:
                path = scope["path"]
                handler = path if path in self._paths else NO_HANDLER
                self._measurements.note_http(handler, scope["method"], status, time.perf_counter() - started)
