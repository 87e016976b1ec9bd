"""How much may be computed in one turn of the event loop: everybody else waits for the turn to end."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

# After this much work in one turn, the rest waits for a later one.
LONG_TURN_SECONDS = 0.01

T = TypeVar("T")


class Turn:
    """The work of this turn of the loop, and what waits for later ones: who came first is done first.

    To hand small work to threads instead would cost more than the work.
    """

    def __init__(self) -> None:
        self._spent_seconds = 0.0
        self._waiting: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()

    async def run(self, work: Callable[[], T]) -> T:
        """Does it now or in a later turn, and returns what it returns. Raises what it raises."""
        if self._spent_seconds < LONG_TURN_SECONDS:
            return self._do(work)
        result: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, result))
        return await result

    def _do(self, work: Callable[[], T]) -> T:
        if not self._spent_seconds:
            asyncio.get_running_loop().call_soon(self._begin_next)
        started = time.perf_counter()
        try:
            return work()
        finally:
            self._spent_seconds += time.perf_counter() - started

    def _begin_next(self) -> None:
        self._spent_seconds = 0.0
        while self._waiting and self._spent_seconds < LONG_TURN_SECONDS:
            work, result = self._waiting.popleft()
            if result.done():  # whoever waited was cancelled
                continue
            try:
                result.set_result(self._do(work))
            except Exception as error:
                result.set_exception(error)
