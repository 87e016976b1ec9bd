"""The body of an upload while it is read: bounded in memory and in time."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.types import Message, Receive, Scope

from inference_api import problems
from inference_api.prediction import pace
from inference_api.prediction.memory_budget import BodyMemory

T = TypeVar("T")


class Body:
    """An ASGI `receive` that takes memory for the bytes before it passes them on.

    A body of a known length takes it whole at the start, so that a client learns at once that there is no room; one of
    unknown length takes it as it grows. Raises Overloaded.
    """

    def __init__(self, scope: Scope, receive: Receive, memory: BodyMemory, max_bytes: int) -> None:
        self._receive = receive
        self._memory = memory
        self._received_bytes = 0
        self._is_too_slow = False
        memory.hold(_announced_bytes(scope, max_bytes))

    async def receive(self) -> Message:
        """The next message of the client."""
        message = await self._receive()
        self._received_bytes += len(message.get("body", b""))
        self._memory.hold(self._received_bytes)
        return message

    async def in_time(self, reading: Awaitable[T], deadline: float) -> T:
        """Awaits the reading of this body. Raises Problem (408) when it is too slow, TimeoutError after `deadline`."""
        self._loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline) as self._timeout:
                self._started = self._loop.time()
                self._look_at(self._started + pace.GRACE_SECONDS)
                try:
                    return await reading
                finally:
                    self._next_look.cancel()
        except TimeoutError:
            if self._is_too_slow:
                raise problems.upload_too_slow(pace.MIN_BYTES_PER_SECOND, pace.GRACE_SECONDS) from None
            raise

    def _look_at(self, when: float) -> None:
        self._next_look = self._loop.call_at(when, self._look, when)

    def _look(self, planned: float) -> None:
        now = self._loop.time()
        when = pace.next_look(self._started, self._received_bytes, planned, now)
        if when is not None:
            self._look_at(when)
        elif not self._timeout.expired():
            self._is_too_slow = True
            self._timeout.reschedule(now)


def _announced_bytes(scope: Scope, max_bytes: int) -> int:
    """The Content-Length; 0 where there is none, or one that is refused."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and len(value) <= 18:
            return int(value) if int(value) <= max_bytes else 0
    return 0
