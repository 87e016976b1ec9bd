"""Waiting for what may be there already, unseen by a busy event loop."""

import asyncio
from typing import Any

_LATE_TURNS = 3  # a busy event loop runs its timers before it looks at what has arrived meanwhile


async def done_within(task: asyncio.Task[Any], seconds: float) -> bool:
    """Whether the task ended in this time; it goes on if not."""
    await asyncio.wait((task,), timeout=seconds)
    for _ in range(_LATE_TURNS):
        if not task.done():
            await asyncio.sleep(0)
    return task.done()
