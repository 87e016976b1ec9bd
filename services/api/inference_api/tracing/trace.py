"""What one request did, and when: plain numbers, from which spans are made only if the trace is kept."""

import os
import random
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from time import perf_counter
from types import TracebackType
from typing import Final

from medinfer_common.tracing.trace_context import Parent, traceparent
from starlette.types import Scope

Attributes = Mapping[str, str | int]

# An extension of the ASGI scope.
_KEY = "medinfer.trace"
_ID_BITS = 64
SERVER_FAULT = 500  # the first HTTP status that says so
NO_SPAN: Final = nullcontext()  # where nothing is traced


class Span:
    """A part of a trace, from entering it to leaving it. `error`: the class of what was raised, empty without.

    Times are those of `time.perf_counter`.
    """

    __slots__ = ("attributes", "ended", "error", "id", "is_call", "name", "started", "trace")

    def __init__(self, trace: "Trace", name: str, attributes: Attributes, *, is_call: bool = False) -> None:
        self.trace, self.name, self.attributes, self.is_call = trace, name, attributes, is_call
        self.id = random.getrandbits(_ID_BITS) or 1
        self.started = self.ended = 0.0
        self.error = ""

    @property
    def traceparent(self) -> bytes:
        """What the one who is called gets; empty where the trace is not sampled, so that he writes no span."""
        return traceparent(self.trace.id, self.id) if self.trace.is_sampled else b""

    def __enter__(self) -> "Span":
        self.started = perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.ended = perf_counter()
        if kind is not None:
            self.error = kind.__name__
        self.trace.spans.append(self)


class Trace:
    """One request's. `end` it once: `submit` then gets it if it was sampled, or `keep` was called, which may be later.

    `id`: 32 hexadecimal digits. `linked`: the request's trace of which this one is a shadow copy's.
    """

    __slots__ = ("_is_submitted", "_submit", "id", "is_kept", "is_sampled", "linked", "parent", "root", "spans")

    def __init__(
        self,
        submit: Callable[["Trace"], None],
        name: str,
        id: str,
        *,
        is_sampled: bool,
        parent: Parent | None = None,
        linked: "Trace | None" = None,
    ) -> None:
        self._submit = submit
        self._is_submitted = False
        self.id, self.parent, self.linked = id, parent, linked
        self.is_sampled = self.is_kept = is_sampled
        self.spans: list[Span] = []
        self.root = Span(self, name, {})
        self.root.started = perf_counter()

    def keep(self) -> None:
        """Keeps it though it was not sampled: something about it is worth a look. It may have ended."""
        self.is_kept = True
        if self.root.ended:
            self._submit_once()

    def end(self) -> None:
        """Nothing more belongs to it."""
        self.root.ended = perf_counter()
        if self.is_kept:
            self._submit_once()

    def of_copy(self) -> "Trace":
        """The trace of a shadow copy, with a link to this one: it must not count as this request's time."""
        return Trace(self._submit, "shadow", os.urandom(16).hex(), is_sampled=self.is_sampled, linked=self)

    def _submit_once(self) -> None:
        if not self._is_submitted:
            self._is_submitted = True
            self._submit(self)


def is_clients_mistake(root: Span) -> bool:
    """Whether the request was answered with 4xx, which OpenTelemetry does not count as an error of the server."""
    status = root.attributes.get("http.response.status_code")
    return isinstance(status, int) and status < SERVER_FAULT


def of(scope: Scope) -> Trace | None:
    """This request's; None where nothing is traced."""
    trace: Trace | None = scope.get(_KEY)
    return trace


def put(scope: Scope, trace: Trace) -> None:
    """`of` finds it from now on."""
    scope[_KEY] = trace


def stage(trace: Trace | None, name: str, attributes: Attributes | None = None) -> AbstractContextManager[Span | None]:
    """A span of what happens in this context; of nothing where nothing is traced."""
    return Span(trace, name, attributes or {}) if trace else NO_SPAN


def named(trace: Trace | None) -> dict[str, str]:
    """What log lines say of it."""
    return {"trace_id": trace.id} if trace else {}
