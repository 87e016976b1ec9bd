"""Spans of the work on a version that is being released; none where the plan names no trace.

Attributes hold no address of a bundle and no message: both may have what is not for everybody.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from medinfer_common.tracing.trace_context import Parent

from replica_agent.plan import Plan, Release
from replica_agent.state import VersionFailed

Said = dict[str, str | int | float | bool]


class SpanSink(Protocol):
    """Where spans go; span_sender.py implements it. Any thread may call it."""

    def submit(self, parent: Parent, name: str, started_ns: int, ended_ns: int, said: Said, error: str) -> None: ...


class VersionTrace:
    """Gives a span of what happens in a context. Without a `parent` nothing is written."""

    def __init__(self, sink: SpanSink | None = None, parent: Parent | None = None, named: Said | None = None) -> None:
        self._sink, self._parent, self._named = sink, parent, named or {}

    @contextmanager
    def span(self, name: str) -> Iterator[Said]:
        """Attributes may be added to what it gives. What is raised is noted: the reason, or the class."""
        said, error, started_ns = Said(self._named), "", time.time_ns()
        try:
            yield said
        except BaseException as raised:
            error = str(raised.reason) if isinstance(raised, VersionFailed) else type(raised).__name__
            raise
        finally:
            if self._sink and self._parent:
                self._sink.submit(self._parent, name, started_ns, time.time_ns(), said, error)


UNTRACED = VersionTrace()


class Tracer:
    """`sink`: None where nothing is traced. `replica`: this replica's name."""

    def __init__(self, sink: SpanSink | None, replica: str) -> None:
        self._sink, self._replica = sink, replica

    def of(self, plan: Plan, release: Release) -> VersionTrace:
        """That of the work on `release`."""
        if self._sink is None or plan.trace is None or plan.trace.version != release.version:
            return UNTRACED
        named: Said = {"medinfer.replica": self._replica, "medinfer.model": plan.model}
        named |= {"medinfer.version": release.version, "medinfer.digest": release.digest}
        return VersionTrace(self._sink, plan.trace.parent, named)
