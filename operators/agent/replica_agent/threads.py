"""Blocking work that may hang in a read: on a daemon thread, which never holds up the end of the process."""

import asyncio
import threading
from collections.abc import Callable


async def run_in_thread(work: Callable[[], None]) -> None:
    """Raises what `work` raises. When cancelled, `work` runs on unheard."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error:
            done.set_exception(error)
        else:
            done.set_result(None)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as raised:
            error = raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=run, daemon=True).start()
    await done
