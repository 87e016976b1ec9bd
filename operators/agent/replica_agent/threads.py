"""Runs work that may hang in a read on a daemon thread, which does not keep the process from ending."""

import asyncio
import threading
from collections.abc import Callable


async def run_in_thread(work: Callable[[], None]) -> None:
    """Raises what `work` raises. After a cancellation `work` goes on, and its result is dropped."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
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
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=run, daemon=True).start()
    await done
