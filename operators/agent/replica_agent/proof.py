"""When a version counts as proved: right answers first, then a settled latency. Pure code; `warmup` runs it."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median, quantiles

import numpy as np
from modelctl.bundle.golden import Golden, activate
from numpy.typing import NDArray

from replica_agent.state import Proof

WINDOW = 5
SETTLED_RATIO = 1.2

Latencies = Mapping[int, Sequence[float]]
"""Batch size -> milliseconds of each warm-up batch, in order."""


def golden_rows(count: int, batch_size: int) -> Iterator[NDArray[np.intp]]:
    """Batches of row numbers that cover `count` golden inputs, the last filled up from the beginning.

    3 inputs in batches of 2 give [0 1] [2 0]; in batches of 4, [0 1 2 0].
    """
    for start in range(0, count, batch_size):
        yield np.arange(start, start + batch_size) % count


def matches(values: NDArray[np.float32], golden: Golden, rows: NDArray[np.intp], atol: float) -> NDArray[np.bool_]:
    """Per row [N]: every probability within `atol`, and the same class unless the model names several findings.

    NaN and a wrong shape never match.
    """
    expected = golden.probabilities[rows]
    if values.shape != expected.shape or not np.isfinite(values).all():
        return np.zeros(len(rows), np.bool_)
    probabilities = activate(values, golden.activation)
    within = np.abs(probabilities - expected).max(axis=1) <= atol
    if golden.is_several:
        return np.asarray(within, np.bool_)
    same_class = probabilities.argmax(axis=1) == expected.argmax(axis=1)
    return np.asarray(same_class & within, np.bool_)


def is_settled(latencies_ms: Sequence[float]) -> bool:
    """Whether the medians of the last two windows of 5 batches are within 20 % of each other."""
    if len(latencies_ms) < 2 * WINDOW:
        return False
    slow, fast = sorted((median(latencies_ms[-WINDOW:]), median(latencies_ms[-2 * WINDOW : -WINDOW])), reverse=True)
    return slow <= SETTLED_RATIO * fast


def next_batch_size(latencies: Latencies, elapsed_seconds: float, max_seconds: float) -> int | None:
    """The first size whose latency has not settled; None when all have, or when the time is over and each ran once."""
    unsettled = [size for size, taken in latencies.items() if not is_settled(taken)]
    if elapsed_seconds >= max_seconds:
        unsettled = [size for size in unsettled if not latencies[size]]
    return unsettled[0] if unsettled else None


def conclude(latencies: Latencies, golden_matched: int, golden_total: int) -> Proof:
    """The proof of a version whose answers were right. It counts as warm even if its latency has not settled."""
    last = list(latencies[min(latencies)])[-2 * WINDOW :]
    return Proof(
        p50_ms=median(last),
        p95_ms=quantiles(last, n=20, method="inclusive")[-1] if len(last) > 1 else last[0],
        iterations=sum(map(len, latencies.values())),
        settled=all(map(is_settled, latencies.values())),
        golden_matched=golden_matched,
        golden_total=golden_total,
    )
