"""Waiting for a task on an event loop that may be busy."""

import asyncio
from typing import Any

_LATE_TURNS = 3  # a busy event loop runs its timers before it reads what has arrived


async def done_within(task: asyncio.Task[Any], seconds: float) -> bool:
    """Whether the task ended within this time. If not, it goes on."""
    await asyncio.wait((task,), timeout=seconds)
    for _ in range(_LATE_TURNS):
        if not task.done():
            await asyncio.sleep(0)
    return task.done()
