"""Counts of values by upper bounds: a bisection and two additions for each value."""

from bisect import bisect_left
from collections.abc import Sequence

from inference_api.routing.counters import Json


class Histogram:
    """`bounds`: upper bounds, in ascending order. The last bucket has none."""

    __slots__ = ("_bounds", "_buckets", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._buckets = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def count(self, value: float) -> None:
        """Adds one value."""
        self._buckets[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def document(self) -> Json:
        """The counts as JSON, copied; `buckets` are not cumulative."""
        return {"buckets": list(self._buckets), "sum": self._sum}
