"""The one way a test waits: until something holds, or a deadline says what did not."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(probe: Callable[[], T | None], what: str, timeout_seconds: float = 30, poll_seconds: float = 0.05) -> T:
    """Returns probe's first truthy value; raises AssertionError naming `what` and the last value at the deadline."""
    deadline = time.monotonic() + timeout_seconds
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_seconds:g} s: {what} (last seen: {value!r})")
        time.sleep(poll_seconds)


async def until(probe: Callable[[], object], what: str, timeout_seconds: float = 10) -> None:
    """The same inside an event loop."""
    deadline = time.monotonic() + timeout_seconds
    while not (value := probe()):
        assert time.monotonic() < deadline, f"not within {timeout_seconds:g} s: {what} (last seen: {value!r})"
        await asyncio.sleep(0.005)
