"""Sends kept traces on a thread of its own, so that a collector which is away or slow holds up no request."""

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable

from inference_api.tracing import spans
from inference_api.tracing.collector import Collector, CollectorAway
from inference_api.tracing.trace import Trace

MAX_WAITING = 1000  # traces, of about 4 KB
BATCH = 50  # traces; encoding them takes about 2 ms, in which the event loop waits
PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 5.0

log = logging.getLogger(__name__)


class Exporter:
    """`count` hears of every trace how it ended, on the event loop: `sent`, `refused` or `dropped`.

    While the collector is away, MAX_WAITING traces wait for it, and newer ones are dropped.
    """

    def __init__(self, endpoint: str, count: Callable[[str, int], None]) -> None:
        self._endpoint, self._count = endpoint, count
        self._waiting: deque[Trace] = deque()
        self._batch: list[Trace] = []  # the thread's own
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
        self._count("dropped", len(self._waiting) + len(self._batch))

    def submit(self, trace: Trace) -> None:
        """Sends it soon, or counts it as dropped while too many wait."""
        if len(self._waiting) >= MAX_WAITING:
            self._count("dropped", 1)
        else:
            self._waiting.append(trace)

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
                collector.send(spans.encode(self._batch))
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
        count, self._batch = len(self._batch), []
        with contextlib.suppress(RuntimeError):  # the loop is closed: the worker has not waited
            self._loop.call_soon_threadsafe(self._count, result, count)

    def _note_failure(self, error: Exception) -> None:
        if not self._is_failing:
            log.warning("traces cannot be sent", extra={"error": str(error)})
        self._is_failing = True

    def _note_success(self) -> None:
        if self._is_failing:
            log.info("traces can be sent again")
        self._is_failing, self._pause_seconds = False, PAUSE_SECONDS
