"""A server of a test that has a thread and an event loop of its own."""

import asyncio
import threading
from abc import ABC, abstractmethod
from typing import Self

SECONDS = 20  # to start, to stop


class Threaded(ABC):
    """Serves inside a `with`."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    @abstractmethod
    async def _start(self) -> None:
        """Returns when it serves."""

    @abstractmethod
    async def _stop(self) -> None:
        """Returns when it serves nothing more."""
