"""Sends the spans of releases to a collector, as their stored statuses tell them. Imported only where one is set."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from medinfer_common.tracing.exporter import Exporter
from medinfer_common.tracing.otlp import Source, Span

from rollout_operator.decide.release_spans import release_spans
from rollout_operator.documents.edit_time import edited_at
from rollout_operator.documents.release_span import ReleaseSpan
from rollout_operator.documents.spec import InvalidSpec
from rollout_operator.documents.status import Status
from rollout_operator.edge.observe import Observed

STOP_SECONDS = 2.0
_NANOSECONDS = 10**9


class ReleaseTraces:
    """Sends each span that a stored status tells. What a collector heard of is to be in the status, too.

    An operator that dies in between sends a span again, the same with the same id. `count` hears how many spans were
    `sent`, `refused` or `dropped`. Nothing here waits for the collector.
    """

    def __init__(self, endpoint: str, count: Callable[[str, int], None]) -> None:
        self._count = count
        self._source = Source("medinfer-operator", "rollout-operator", has_instance=False)
        self._exporter = Exporter[ReleaseSpan](endpoint, self._encode, self._note)
        self._given: dict[str, int] = {}  # spans that the exporter has, by trace
        self._heard: dict[str, int] = {}  # spans of which it told how they ended

    def start(self) -> None:
        """Call it on the event loop."""
        self._exporter.start()

    async def stop(self) -> None:
        """Sends what waits."""
        await self._exporter.stop(STOP_SECONDS)

    def follow(self, observed: Observed) -> Observed:
        """Sends what the status tells. The observation then has what a decision needs to know of traces."""
        if not isinstance(observed.spec, InvalidSpec):
            spans = list(release_spans(observed.status, observed.spec.name, observed.spec.model))
            self._forget(observed.status, {span.trace_id for span in spans})
            for span in spans:
                self._send(span)
        metadata = observed.objects.rollout["metadata"]
        seen = replace(
            observed.seen,
            trace_seed=str(metadata.get("uid") or metadata["name"]),
            sent_spans=dict(self._heard),
            edited_at=edited_at(metadata),
        )
        return replace(observed, seen=seen)

    def _send(self, span: ReleaseSpan) -> None:
        if span.number > self._given.get(span.trace_id, 0):
            self._given[span.trace_id] = span.number
            self._exporter.submit(span)

    def _forget(self, status: Status, unsent: set[str]) -> None:
        """Of a past try of which nothing is left to send, the status says so."""
        for attempt in status.history:
            if attempt.trace and attempt.trace.id not in unsent:
                self._given.pop(attempt.trace.id, None)
                self._heard.pop(attempt.trace.id, None)

    def _encode(self, spans: Sequence[ReleaseSpan]) -> bytes:
        return self._source.encode(map(_encoded, spans))

    def _note(self, result: str, spans: Sequence[ReleaseSpan]) -> None:
        self._count(result, len(spans))
        for span in spans:
            self._heard[span.trace_id] = max(span.number, self._heard.get(span.trace_id, 0))


def _encoded(span: ReleaseSpan) -> Span:
    return Span(
        trace_id=span.trace_id,
        id=span.id,
        parent_id=span.parent_id,
        name=span.name,
        started_ns=span.started_at * _NANOSECONDS,
        ended_ns=span.ended_at * _NANOSECONDS,
        attributes=span.attributes,
        error=span.error,
    )
