"""How much may be computed in one turn of the event loop: everybody else waits for the turn to end."""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

# After this much work in one turn, the rest waits for a later one.
LONG_TURN_SECONDS = 0.01

T = TypeVar("T")


class Turn:
    """The work done in this turn of the loop, of all that was `run` through here."""

    def __init__(self) -> None:
        self._spent_seconds = 0.0

    @property
    def has_time(self) -> bool:
        """Whether more work may be done in this turn."""
        return self._spent_seconds < LONG_TURN_SECONDS

    async def wait(self) -> None:
        """Returns when more work may be done, now or in a later turn; who came first goes first.

        Others run in between. To hand small work to threads instead costs more than the work.
        """
        while not self.has_time:  # noqa: ASYNC110 - the next turn is what it waits for
            await asyncio.sleep(0)

    def run(self, work: Callable[[], T]) -> T:
        """Does it now, and remembers until the next turn how long that took."""
        if not self._spent_seconds:
            asyncio.get_running_loop().call_soon(self._end)
        started = time.perf_counter()
        try:
            return work()
        finally:
            self._spent_seconds += time.perf_counter() - started

    def _end(self) -> None:
        self._spent_seconds = 0.0
