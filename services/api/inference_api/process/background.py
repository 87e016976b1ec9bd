"""Work that repeats while the API runs. An error is logged, and the work runs again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


async def every(seconds: float, step: Callable[[], Awaitable[object]]) -> None:
    """Runs `step` until it is cancelled, with a pause of `seconds` after each run."""
    while True:
        try:
            await step()
        except Exception:
            log.exception("a background step failed; it runs again in %g s", seconds)
        await asyncio.sleep(seconds)
