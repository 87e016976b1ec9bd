"""How late the event loop is: from the moment at which it should run something to the one at which it does.

All requests of a worker wait for as long. A library that computes on the loop, or on a thread that keeps Python's lock,
blocks it; where the machine is busy, the loop waits for a CPU.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from inference_api.process.histogram import Histogram
from inference_api.routing.counters import Json

PERIOD_SECONDS = 0.02
LATENESS_BOUNDS_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_WAITED = 1  # ran, waited, turns; the first two in nanoseconds


def cpu_wait_seconds() -> float:
    """For how long this thread was ready to run and waited for a CPU, since it began (proc(5), schedstat).

    Always 0.0 where the kernel does not count it.
    """
    try:
        return int(_SCHEDSTAT.read_bytes().split()[_WAITED]) / 1e9
    except OSError:
        return 0.0


class LoopLateness:
    """Counts by LATENESS_BOUNDS_SECONDS, 50 times a second, how late the loop was, and for how long it was blocked.

    `cpu_wait_seconds`: for how long the thread that calls it has waited for a CPU so far.
    """

    def __init__(self, cpu_wait_seconds: Callable[[], float]) -> None:
        self._cpu_wait_seconds, self._waited_before = cpu_wait_seconds, 0.0
        self._late, self._blocked = Histogram(LATENESS_BOUNDS_SECONDS), Histogram(LATENESS_BOUNDS_SECONDS)

    async def measure(self) -> None:
        """One measurement, PERIOD_SECONDS from now. Call it on the loop's thread."""
        due = time.monotonic() + PERIOD_SECONDS
        await asyncio.sleep(PERIOD_SECONDS)
        late_seconds, waited = max(0.0, time.monotonic() - due), self._cpu_wait_seconds()
        self.count(late_seconds, waited - self._waited_before)
        self._waited_before = waited

    def count(self, late_seconds: float, waited_seconds: float) -> None:
        """Adds one measurement. `waited_seconds`: for a CPU, since the one before."""
        self._late.count(late_seconds)
        self._blocked.count(max(0.0, late_seconds - waited_seconds))

    def document(self) -> Json:
        """The counts as JSON, copied; `buckets` are not cumulative, and the last has no upper bound."""
        return {"lateness": self._late.document(), "blocked": self._blocked.document()}
