"""How late the event loop is: from the moment at which it should run something to the one at which it does.

All requests of a worker wait for as long. A library that computes on the loop, or on a thread that keeps Python's lock,
makes it late.
"""

import asyncio
import time
from bisect import bisect_left

from inference_api.routing.counters import Json

PERIOD_SECONDS = 0.02
LATENESS_BOUNDS_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class LoopLateness:
    """Counts by LATENESS_BOUNDS_SECONDS how late the loop was at each of 50 measurements a second."""

    def __init__(self) -> None:
        self._buckets = [0] * (len(LATENESS_BOUNDS_SECONDS) + 1)
        self._sum_seconds = 0.0

    async def measure(self) -> None:
        """One measurement, PERIOD_SECONDS from now."""
        due = time.monotonic() + PERIOD_SECONDS
        await asyncio.sleep(PERIOD_SECONDS)
        self.count(max(0.0, time.monotonic() - due))

    def count(self, late_seconds: float) -> None:
        """Adds one measurement."""
        self._buckets[bisect_left(LATENESS_BOUNDS_SECONDS, late_seconds)] += 1
        self._sum_seconds += late_seconds

    def document(self) -> Json:
        """The counts as JSON, copied; `buckets` are not cumulative, and the last has no upper bound."""
        return {"buckets": list(self._buckets), "sumSeconds": self._sum_seconds}
