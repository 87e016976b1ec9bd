"""When each rollout is reconciled: on a clock, and at once when something changed. It leaves nothing to clean up."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

MAX_CONCURRENT = 16


class Workqueue:
    """`reconcile` handles the rollout of this name once.

    It returns the seconds until the next time, or None when the rollout is gone.
    """

    def __init__(self, reconcile: Callable[[str], Awaitable[float | None]]) -> None:
        self._reconcile = reconcile
        self._awake: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._places = asyncio.Semaphore(MAX_CONCURRENT)

    def wake(self, name: str) -> None:
        """Reconciles the rollout now, also one that is new here."""
        self._awake.setdefault(name, asyncio.Event()).set()
        if name not in self._tasks:
            self._tasks[name] = asyncio.create_task(self._loop(name), name=f"reconcile {name}")

    def wake_all(self) -> None:
        """Reconciles every known rollout now."""
        for name in self._awake:
            self.wake(name)

    async def stop(self) -> None:
        """Cancels every reconcile and waits for their ends."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _loop(self, name: str) -> None:
        awake = self._awake[name]
        while True:
            awake.clear()
            async with self._places:
                seconds = await self._reconcile(name)
            if seconds is None and not awake.is_set():
                del self._awake[name], self._tasks[name]
                return
            # Not wait_for, which in Python 3.11 swallows a cancellation that meets a wake-up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds or 0):
                    await awake.wait()
