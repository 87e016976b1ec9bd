"""For tests that know that a value is there."""

from typing import TypeVar

T = TypeVar("T")


def some(value: T | None) -> T:
    """The value; an assertion fails when it is None."""
    assert value is not None
    return value
