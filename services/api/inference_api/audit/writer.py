"""Writes lines on a thread of its own, all that wait at once, so that a slow disk holds up no event loop."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inference_api.audit.chain import Chain
from inference_api.audit.sink import Sink

MAX_WAITING = 10_000  # lines of about 700 bytes
BATCH_LINES = 200
RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)

Entry = Mapping[str, Any]


class _Waiting(NamedTuple):
    entry: Entry
    written: "asyncio.Future[bool] | None"


class Writer:
    """`count` hears of every entry how it ended: `written`, `failed` or `dropped`; on the event loop.

    An entry that could not be written leaves no gap in the chain: the next one takes its number.
    """

    def __init__(self, sink: Sink, chain: Chain, count: Callable[[str, int], None]) -> None:
        self._sink, self._chain, self._count = sink, chain, count
        self._waiting: deque[_Waiting] = deque()
        self._wake, self._is_closing = threading.Event(), False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._failing = False

    def start(self) -> None:
        """Call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self, timeout_seconds: float) -> None:
        """Writes what waits, for so long at most. What was written by then is counted."""
        self._is_closing = True
        self._wake.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, timeout_seconds)

    def submit(self, entry: Entry) -> None:
        """Writes it soon, or counts it as dropped while too many wait."""
        self._append(_Waiting(entry, None))

    async def write(self, entry: Entry) -> bool:
        """Returns once it is written, or is known not to be: False. Cancelling it does not take the entry back."""
        written = asyncio.get_running_loop().create_future()
        return await written if self._append(_Waiting(entry, written)) else False

    def _append(self, waiting: _Waiting) -> bool:
        if len(self._waiting) >= MAX_WAITING:
            self._count("dropped", 1)
            return False
        self._waiting.append(waiting)
        self._wake.set()
        return True

    def _run(self) -> None:
        while not (self._is_closing and not self._waiting):
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                self._write_batch()

    def _write_batch(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(BATCH_LINES, len(self._waiting)))]
        is_written = self._write_lines([waiting.entry for waiting in batch])
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._tell, batch, is_written)

    def _write_lines(self, entries: list[Entry]) -> bool:
        lines, after = self._chain.extend(entries)
        try:
            self._sink.write(lines)
        except OSError as error:
            if not self._failing:
                log.error("audit lines cannot be written", extra={"error": str(error)})
            self._failing = True
            return False
        if self._failing:
            log.info("audit lines can be written again")
        self._failing, self._chain = False, after
        return True

    def _tell(self, batch: list[_Waiting], is_written: bool) -> None:
        self._count("written" if is_written else "failed", len(batch))
        for waiting in batch:
            if waiting.written is not None and not waiting.written.done():
                waiting.written.set_result(is_written)
