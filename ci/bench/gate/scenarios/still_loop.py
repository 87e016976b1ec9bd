"""An event loop for counting: its time stands still on request, and what others do in threads it does at once."""

import asyncio
import selectors
from collections.abc import Callable
from typing import Any


class StillLoop(asyncio.SelectorEventLoop):
    """With select(2): an epoll instance would be shared by the forks. A fork has no threads of its parent, either."""

    def __init__(self) -> None:
        super().__init__(selectors.SelectSelector())
        self._still_seconds: float | None = None

    def time(self) -> float:
        """Seconds. While it stands still no timer fires."""
        return super().time() if self._still_seconds is None else self._still_seconds

    def stand_still(self) -> None:
        self._still_seconds = super().time()

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Done when it returns."""
        done: asyncio.Future[Any] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done
