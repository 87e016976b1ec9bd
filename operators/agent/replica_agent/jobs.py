"""Running jobs: one asyncio task each, and a wake-up call when one ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from replica_agent.actions import Job


class Jobs:
    """`ended` counts the jobs that have ended; `wake` is called after each."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._tasks: dict[Job, asyncio.Task[None]] = {}
        self.ended = 0

    @property
    def running(self) -> frozenset[Job]:
        """The jobs that have not ended."""
        return frozenset(self._tasks)

    def start(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work`, which handles its own errors."""
        task = asyncio.create_task(work)
        self._tasks[job] = task
        task.add_done_callback(lambda done: self._forget(job, done))

    def cancel(self, job: Job) -> None:
        """Cancels its task; the job counts as ended at once."""
        if task := self._tasks.pop(job, None):
            task.cancel()

    async def close(self) -> None:
        """Cancels every task and waits for its end."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, job: Job, task: asyncio.Task[None]) -> None:
        if self._tasks.get(job) is task:
            del self._tasks[job]
        self.ended += 1
        self._wake()
