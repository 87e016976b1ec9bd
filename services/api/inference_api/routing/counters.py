"""What this process counts per version, as plain numbers that are cheap to add to, copy, sum and subtract."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import zip_longest
from typing import Any


class Result(StrEnum):
    """How a request ended for the version that was chosen for it."""

    GOOD = "good"  # that version answered
    FALLBACK = "fallback"  # it failed, and stable answered instead
    LOST = "lost"  # its replica was lost, which says nothing about the version; stable answered instead
    FAILED = "failed"  # the client got a 502, 503 or 504


def _bounds() -> tuple[float, ...]:
    """Upper bounds in seconds from 1 ms to beyond 10 s, each about 1.15 times the previous one, rounded to 4 digits."""
    bounds = [0.001]
    while bounds[-1] <= 10:
        bounds.append(bounds[-1] * 1.149)
    return tuple(float(f"{bound:.4g}") for bound in bounds)


LATENCY_BOUNDS_SECONDS = _bounds()

MATRIX_LABELS = 4  # of models with more classes, and of findings, a tally is kept in place of a matrix
MAX_PAIRS = 256  # different ones that are counted apart in a tally
MAX_CLASSES = 32  # labels of one version that are counted apart
OTHER = "other"

Json = dict[str, Any]


class VersionCounters:
    """One version's requests; `lost` ones are not among `requests`.

    `classes` counts MAX_CLASSES labels apart, and the rest as OTHER. `latency_buckets` count by
    LATENCY_BOUNDS_SECONDS; they are not cumulative, and the last has no upper bound.
    """

    __slots__ = ("classes", "errors", "fallbacks", "latency_buckets", "latency_sum_seconds", "lost", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.errors = 0
        self.fallbacks = 0
        self.lost = 0
        self.latency_sum_seconds = 0.0
        self.latency_buckets = [0] * (len(LATENCY_BOUNDS_SECONDS) + 1)
        self.classes: dict[str, int] = {}

    def count(self, result: Result, latency_seconds: float, labels: Iterable[str] = ()) -> None:
        """Adds one request. Its latency and labels count only when this version answered itself."""
        if result is Result.LOST:
            self.lost += 1
            return
        self.requests += 1
        if result is not Result.GOOD:
            self.errors += 1
            self.fallbacks += result is Result.FALLBACK
            return
        self.latency_sum_seconds += latency_seconds
        self.latency_buckets[bisect_left(LATENCY_BOUNDS_SECONDS, latency_seconds)] += 1
        for label in labels:
            counted = label if label in self.classes or len(self.classes) < MAX_CLASSES else OTHER
            self.classes[counted] = self.classes.get(counted, 0) + 1

    def document(self) -> Json:
        """The counters as JSON, copied."""
        return {
            "requests": self.requests,
            "errors": self.errors,
            "fallbacks": self.fallbacks,
            "lost": self.lost,
            "latencySumSeconds": self.latency_sum_seconds,
            "latencyBuckets": list(self.latency_buckets),
            "classes": dict(self.classes),
        }


def empty_shadow() -> Json:
    """Counters of shadow copies at zero; prediction/shadow.py adds to them."""
    return {"samples": 0, "agreed": 0, "failed": 0, "dropped": 0, "matrix": [], "tally": empty_tally()}


def empty_tally() -> Json:
    """Rows of what stable said: how often, and how often the canary said the same; and the pairs where it did not."""
    return {"said": [], "same": [], "pairs": {}, "otherPairs": 0}


def count_row(tally: Json, row: int, column: int) -> None:
    """Adds one sample to a tally. `column`: the row of what the canary said; -1: stable has no row for it."""
    missing = row + 1 - len(tally["said"])
    if missing > 0:
        tally["said"] += [0] * missing
        tally["same"] += [0] * missing
    tally["said"][row] += 1
    if row == column:
        tally["same"][row] += 1
        return
    pair, pairs = f"{row},{column}", tally["pairs"]
    if pair in pairs or len(pairs) < MAX_PAIRS:
        pairs[pair] = pairs.get(pair, 0) + 1
    else:
        tally["otherPairs"] += 1


def add(total: Json, more: Mapping[str, Any]) -> Json:
    """Sums two documents of one shape: numbers add, lists add item by item to the longer one's end, objects by key.

    >>> add({"a": 1, "b": [1, 2]}, {"b": [3, 4], "c": {"d": 5}})
    {'a': 1, 'b': [4, 6], 'c': {'d': 5}}
    """
    return {key: _sum(total.get(key), more.get(key), 1) for key in total | dict(more)}


def subtract(total: Json, base: Mapping[str, Any]) -> Json:
    """What was counted since `base`, an earlier copy of `total`.

    >>> subtract({"a": 3, "b": [4, 6]}, {"a": 1, "b": [4, 4]})
    {'a': 2, 'b': [0, 2]}
    """
    return {key: _sum(value, base.get(key), -1) for key, value in total.items()}


def _sum(one: Any, other: Any, sign: int) -> Any:
    if other is None:
        return one
    if isinstance(other, Mapping):
        return add(one or {}, other) if sign > 0 else subtract(one or {}, other)
    if isinstance(other, list):
        return [_sum(a, b, sign) for a, b in zip_longest(one or (), other)]
    return (one or 0) + sign * other
