"""The W3C trace context: https://www.w3.org/TR/trace-context/. `tracestate` and `baggage` from outside are dropped."""

import re
from collections.abc import Iterable
from typing import NamedTuple

_HEADER = b"traceparent"
_SAMPLED = 1
# A later version may add fields at the end. Ids of zeros only are invalid, and so is the version ff.
_VALID = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class Parent(NamedTuple):
    """The span that a request belongs to. `trace_id`: 32 hexadecimal digits."""

    trace_id: str
    span_id: int
    is_sampled: bool


def parent_of(headers: Iterable[tuple[bytes, bytes]]) -> Parent | None:
    """What the only `traceparent` says; None: there is none, or more than one, or an invalid one."""
    values = [value for name, value in headers if name == _HEADER]
    return parse(values[0]) if len(values) == 1 else None


def parse(value: bytes) -> Parent | None:
    """What the value of a `traceparent` says; None where it is invalid."""
    found = _VALID.fullmatch(value)
    if found is None or (found[1] == b"00" and found[5]):
        return None
    return Parent(found[2].decode(), int(found[3], 16), bool(int(found[4], 16) & _SAMPLED))


def traceparent(trace_id: str, span_id: int) -> bytes:
    """The header's value for a child of this span, of a sampled trace."""
    return f"00-{trace_id}-{span_id:016x}-01".encode()
