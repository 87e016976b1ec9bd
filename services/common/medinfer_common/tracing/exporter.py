"""Sends spans on a thread of its own, so that a collector which is away or slow holds up nothing."""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from medinfer_common.tracing.collector import Collector, CollectorAway

MAX_WAITING = 1000  # traces of the API have about 4 KB
BATCH = 50  # encoding so many of these takes about 2 ms, in which the event loop waits
PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 5.0

T = TypeVar("T")

log = logging.getLogger(__name__)


class Exporter(Generic[T]):
    """Sends what it is given as `encode` writes it, in an OTLP/HTTP request's body.

    `note` hears of everything how it ended, on the event loop: `sent`, `refused` or `dropped`. While the collector is
    away, MAX_WAITING wait for it, and what is newer is dropped.
    """

    def __init__(
        self, endpoint: str, encode: Callable[[Sequence[T]], bytes], note: Callable[[str, Sequence[T]], None]
    ) -> None:
        self._endpoint, self._encode, self._note = endpoint, encode, note
        self._waiting: deque[T] = deque()
        self._batch: list[T] = []  # the thread's own
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)
        self._stopping = threading.Event()
        self._pause_seconds = PAUSE_SECONDS
        self._is_failing = False

    def start(self) -> None:
        """Call it on the event loop, in the process that serves."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self, timeout_seconds: float) -> None:
        """Sends what waits, for so long at most, and counts what is left as dropped."""
        self._stopping.set()
        if self._thread.is_alive():
            await asyncio.to_thread(self._thread.join, timeout_seconds)
        self._note("dropped", [*self._batch, *self._waiting])

    def submit(self, one: T) -> None:
        """Sends it soon, or counts it as dropped while too many wait."""
        if len(self._waiting) >= MAX_WAITING:
            self._note("dropped", [one])
        else:
            self._waiting.append(one)

    def _run(self) -> None:
        collector = Collector(self._endpoint)
        while not self._stopping.wait(self._pause_seconds):
            self._send_all(collector)
        self._send_all(collector)
        collector.close()

    def _send_all(self, collector: Collector) -> None:
        """Until nothing waits, or the collector is away."""
        while self._fill_batch():
            try:
                collector.send(self._encode(self._batch))
            except CollectorAway as error:
                self._note_failure(error)
                self._pause_seconds = min(MAX_PAUSE_SECONDS, self._pause_seconds * 2)
                return
            except Exception as error:  # whatever it is: the thread goes on
                self._note_failure(error)
                self._end_batch("refused")
            else:
                self._note_success()
                self._end_batch("sent")

    def _fill_batch(self) -> bool:
        while self._waiting and len(self._batch) < BATCH:
            self._batch.append(self._waiting.popleft())
        return bool(self._batch)

    def _end_batch(self, result: str) -> None:
        assert self._loop is not None
        ended, self._batch = self._batch, []
        with contextlib.suppress(RuntimeError):  # the loop is closed: the process has not waited
            self._loop.call_soon_threadsafe(self._note, result, ended)

    def _note_failure(self, error: Exception) -> None:
        if not self._is_failing:
            log.warning("traces cannot be sent", extra={"error": str(error)})
        self._is_failing = True

    def _note_success(self) -> None:
        if self._is_failing:
            log.info("traces can be sent again")
        self._is_failing, self._pause_seconds = False, PAUSE_SECONDS
