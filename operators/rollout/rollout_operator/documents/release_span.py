"""A part of a release's trace."""

from collections.abc import Mapping
from dataclasses import dataclass

Attributes = Mapping[str, str | int | float | bool]


@dataclass(frozen=True)
class ReleaseSpan:
    """`number`: its place in the trace, from 1. `parent_id`: 0 for the root. `error`: a reason, empty without.

    Times are whole seconds since 1970.
    """

    trace_id: str
    id: int
    parent_id: int
    name: str
    started_at: int
    ended_at: int
    attributes: Attributes
    error: str = ""
    number: int = 0
