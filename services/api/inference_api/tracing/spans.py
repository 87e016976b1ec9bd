"""A request's trace as spans."""

import time
from collections.abc import Iterable

from medinfer_common.tracing.otlp import Kind, Link, Source, Span

from inference_api.tracing import trace as traces
from inference_api.tracing.trace import Trace

SOURCE = Source("medinfer-api", "inference-api")


def encode(kept: Iterable[Trace]) -> bytes:
    """The body of an OTLP/HTTP request with all spans of these traces."""
    to_wall_seconds = time.time() - time.perf_counter()
    return SOURCE.encode(span for trace in kept for span in _spans(trace, to_wall_seconds))


def _spans(trace: Trace, to_wall_seconds: float) -> Iterable[Span]:
    root, parent, linked = trace.root, trace.parent, trace.linked
    kind = Kind.INTERNAL if linked else Kind.SERVER
    link = Link(linked.id, linked.root.id) if linked else None
    first = _span(trace, root, kind, parent.span_id if parent else 0, to_wall_seconds, link)
    yield first._replace(is_fault=not traces.is_clients_mistake(root))
    for span in trace.spans:
        yield _span(trace, span, Kind.CLIENT if span.is_call else Kind.INTERNAL, root.id, to_wall_seconds)


def _span(
    trace: Trace, span: traces.Span, kind: Kind, parent_id: int, to_wall_seconds: float, link: Link | None = None
) -> Span:
    started, ended = _nanoseconds(span.started + to_wall_seconds), _nanoseconds(span.ended + to_wall_seconds)
    return Span(trace.id, span.id, parent_id, span.name, started, ended, span.attributes, span.error, kind, link)


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
