"""Begins and ends the trace of each request to an endpoint."""

from collections.abc import Awaitable
from typing import Protocol

from medinfer_common.tracing import trace_context
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference_api import request_ids
from inference_api.tracing import trace as traces
from inference_api.tracing.sampler import Sampler
from inference_api.tracing.trace import Trace

STOP_SECONDS = 2.0


class TraceSink(Protocol):
    """Where kept traces go; exporter.py implements it."""

    def start(self) -> None:
        """Call it on the event loop."""

    async def stop(self, timeout_seconds: float) -> None:
        """Sends what waits, for so long at most."""

    def submit(self, trace: Trace) -> None:
        """Returns at once."""


class Tracer:
    """`sink` gets each trace that is kept."""

    def __init__(self, sampler: Sampler, sink: TraceSink) -> None:
        self._sampler = sampler
        self._sink = sink

    def start(self) -> None:
        """Call it on the event loop, in the process that serves."""
        self._sink.start()

    async def stop(self) -> None:
        """Sends what waits."""
        await self._sink.stop(STOP_SECONDS)

    def around(self, endpoint: ASGIApp, route: str) -> ASGIApp:
        """The endpoint, whose requests have a trace. One that is answered with 5xx, or not at all, is kept."""

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            trace = self._begin(scope, route)
            traces.put(scope, trace)
            status = 0

            def note_status(message: Message) -> Awaitable[None]:
                nonlocal status
                status = message.get("status", status)
                return send(message)

            try:
                await endpoint(scope, receive, note_status)
            finally:
                _end(trace, status, route)

        return traced

    def _begin(self, scope: Scope, route: str) -> Trace:
        """The trace that the client names; otherwise its id is the request's, so that who knows one knows the other."""
        parent = trace_context.parent_of(scope["headers"])
        id = parent.trace_id if parent else request_ids.of(scope)
        is_sampled = self._sampler.samples(id, parent)
        return Trace(self._sink.submit, f"POST {route}", id, is_sampled=is_sampled, parent=parent)


def _end(trace: Trace, status: int, route: str) -> None:
    answered = {"http.response.status_code": status} if status else {}
    trace.root.attributes = {
        **trace.root.attributes,
        "http.request.method": "POST",
        "http.route": route,
        **answered,
    }
    if not status:
        trace.root.error = trace.root.error or "NoAnswer"
    if not status or status >= traces.SERVER_FAULT:
        trace.keep()
    trace.end()
