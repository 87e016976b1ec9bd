"""Writes lines on a thread of its own, all that wait at once, so that a slow disk holds up no event loop."""

import asyncio
import itertools
import logging
import threading
from collections.abc import Callable, Mapping
from queue import SimpleQueue
from typing import Any, NamedTuple

from inference_api.audit.chain import Chain
from inference_api.audit.sink import Sink

MAX_WAITING = 10_000  # lines of about 700 bytes

log = logging.getLogger(__name__)

# Makes what a line says. It is called on the writer's thread, so that no request takes the time for it.
Entry = Callable[[], Mapping[str, Any]]


class _Waiting(NamedTuple):
    entry: Entry
    written: "asyncio.Future[bool] | None"


class Writer:
    """`count` hears of every entry how it ended: `written`, `failed` or `dropped`; on the event loop.

    An entry that could not be written leaves no gap in the chain: the next one takes its number.

    `pause_seconds`: how long the first of some lines waits for others; with 0, for those of the same turn of the event
    loop. To wake the thread costs more than a line does.
    """

    def __init__(self, sink: Sink, chain: Chain, count: Callable[[str, int], None], pause_seconds: float = 0.0) -> None:
        self._sink, self._chain, self._count, self._pause_seconds = sink, chain, count, pause_seconds
        self._batch: list[_Waiting] = []  # until the pause ends
        self._batches: SimpleQueue[list[_Waiting]] = SimpleQueue()
        self._unwritten = 0
        self._is_closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
        self._failing = False

    def start(self) -> None:
        """Call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self, timeout_seconds: float) -> None:
        """Writes what waits, for so long at most. What was written by then is counted."""
        self._hand_over()
        self._is_closing = True  # not before: the thread ends once it sees this and nothing waits
        self._batches.put([])
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, timeout_seconds)

    def submit(self, entry: Entry) -> None:
        """Writes it soon, or counts it as dropped while too many wait."""
        self._append(_Waiting(entry, None))

    async def write(self, entry: Entry, timeout_seconds: float) -> bool:
        """Returns once it is written; False: it is not, or not yet, and then it may be written later."""
        loop = asyncio.get_running_loop()
        written: asyncio.Future[bool] = loop.create_future()
        if not self._append(_Waiting(entry, written)):
            return False
        timer = loop.call_later(timeout_seconds, _tell, written, False)
        try:
            return await written
        finally:
            timer.cancel()

    def _append(self, waiting: _Waiting) -> bool:
        if self._unwritten >= MAX_WAITING:
            self._count("dropped", 1)
            return False
        self._unwritten += 1
        self._batch.append(waiting)
        if self._is_closing:
            self._hand_over()
        elif len(self._batch) == 1:
            self._hand_over_soon()
        return True

    def _hand_over_soon(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pause_seconds:
            loop.call_later(self._pause_seconds, self._hand_over)
        else:
            loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._batches.put(self._batch)
        self._batch = []

    def _run(self) -> None:
        assert self._loop is not None
        while not (self._is_closing and self._batches.empty()):
            if batch := self._take():
                is_written = self._write_lines([waiting.entry for waiting in batch])
                self._loop.call_soon_threadsafe(self._tell_all, batch, is_written)

    def _take(self) -> list[_Waiting]:
        """Waits for lines, and returns all that wait then; none at the end."""
        first = self._batches.get()
        more = (self._batches.get() for _ in range(self._batches.qsize()))
        return [*first, *itertools.chain.from_iterable(more)]

    def _write_lines(self, entries: list[Entry]) -> bool:
        try:
            lines, after = self._chain.extend([entry() for entry in entries])
            self._sink.write(lines)
        except Exception as error:  # whatever it is: the thread goes on
            if not self._failing:
                log.error("audit lines cannot be written", extra={"error": str(error)})
            self._failing = True
            return False
        if self._failing:
            log.info("audit lines can be written again")
        self._failing, self._chain = False, after
        return True

    def _tell_all(self, batch: list[_Waiting], is_written: bool) -> None:
        self._unwritten -= len(batch)
        self._count("written" if is_written else "failed", len(batch))
        for waiting in batch:
            if waiting.written is not None:
                _tell(waiting.written, is_written)


def _tell(written: "asyncio.Future[bool]", is_written: bool) -> None:
    if not written.done():
        written.set_result(is_written)
