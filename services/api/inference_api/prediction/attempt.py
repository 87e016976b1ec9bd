"""One attempt: which version is asked on which replica, as what, and for which request's trace."""

from contextlib import AbstractContextManager
from typing import NamedTuple

from inference_api.routing.document import Routes, Version
from inference_api.routing.replicas import ReplicaState
from inference_api.tracing import trace as traces
from inference_api.tracing.trace import Span, Trace

CANARY, STABLE = "canary", "stable"
FALLBACK = "fallback"  # stable, because the canary did not answer


class Attempt(NamedTuple):
    """`role`: CANARY, STABLE or FALLBACK."""

    trace: Trace | None
    role: str
    routes: Routes
    version: Version
    state: ReplicaState

    @property
    def log_fields(self) -> dict[str, object]:
        """What a log line says of it."""
        return {"replica": self.state.replica.name, "version": self.version.number, **traces.named(self.trace)}

    def span(self) -> AbstractContextManager[Span | None]:
        """From asking to a good answer."""
        if self.trace is None:
            return traces.NO_SPAN
        attributes = described(self.routes.model, self.version, self.state.replica.name, self.role)
        return Span(self.trace, "attempt", attributes, is_call=True)


def described(model: str, version: Version, replica: str, role: str) -> dict[str, str | int]:
    """The attributes of a span that is about this version on this replica."""
    return {
        "medinfer.model": model,
        "medinfer.version": version.number,
        "medinfer.digest": version.digest,
        "medinfer.replica": replica,
        "medinfer.role": role,
    }
