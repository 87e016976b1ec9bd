"""Sends the agent's spans to a collector. Imported only where one is set: OpenTelemetry comes with it."""

import random
from collections.abc import Callable

from medinfer_common.tracing.exporter import Exporter
from medinfer_common.tracing.otlp import Source, Span
from medinfer_common.tracing.trace_context import Parent

from replica_agent.tracing import Said

STOP_SECONDS = 2.0
_ID_BITS = 64


class SpanSender:
    """`count` hears how many spans were `sent`, `refused` or `dropped`. Nothing here waits for the collector."""

    def __init__(self, endpoint: str, count: Callable[[str, int], None]) -> None:
        source = Source("medinfer-agent", "replica-agent")
        self._exporter = Exporter[Span](endpoint, source.encode, lambda result, spans: count(result, len(spans)))

    def start(self) -> None:
        """Call it on the event loop."""
        self._exporter.start()

    async def stop(self) -> None:
        """Sends what waits."""
        await self._exporter.stop(STOP_SECONDS)

    def submit(self, parent: Parent, name: str, started_ns: int, ended_ns: int, said: Said, error: str) -> None:
        """Returns at once."""
        id = random.getrandbits(_ID_BITS) or 1
        span = Span(parent.trace_id, id, parent.span_id, name, started_ns, ended_ns, said, error)
        self._exporter.submit(span)
