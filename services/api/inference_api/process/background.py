"""Work that repeats while the API runs; an error in one round is logged and the next round comes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)


async def every(seconds: float, step: Callable[[], Awaitable[object]]) -> None:
    """Runs `step` again and again, with a pause of `seconds` between."""
    while True:
        try:
            await step()
        except Exception:
            log.exception("a background step failed; it runs again in %g s", seconds)
        await asyncio.sleep(seconds)
