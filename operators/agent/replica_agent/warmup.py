"""Runs a proof: golden batches, then warm-up batches, one at a time."""

from collections.abc import Awaitable, Callable

import numpy as np
from modelctl.bundle.golden import Golden
from numpy.typing import NDArray

from replica_agent.plan import Warmup
from replica_agent.proof import conclude, golden_rows, matches, next_batch_size
from replica_agent.state import Proof, Reason, VersionFailed
from replica_agent.tracing import UNTRACED, Said, VersionTrace

# Pause after a batch, as a multiple of its time: a paced warm-up leaves three quarters of the time for requests.
REST_PER_BATCH = 3.0

Infer = Callable[[NDArray[np.float32]], Awaitable[NDArray[np.float32]]]


class Prover:
    """`infer` maps FP32 [N, C, H, W] to FP32 [N, labels]; `clock` returns seconds; `rest` sleeps for some."""

    def __init__(
        self, infer: Infer, golden: Golden, clock: Callable[[], float], rest: Callable[[float], Awaitable[None]]
    ) -> None:
        self._infer, self._golden, self._clock, self._rest = infer, golden, clock, rest

    async def prove(self, limits: Warmup, max_batch_size: int, trace: VersionTrace = UNTRACED) -> Proof:
        """Batch sizes are cut to `max_batch_size`. Raises VersionFailed (GoldenMismatch) and what `infer` raises."""
        sizes = sorted({min(size, max_batch_size) for size in limits.batch_sizes})
        started = self._clock()
        with trace.span("golden") as said:
            said |= {"medinfer.batch_sizes": _listed(sizes), "medinfer.golden.matched": 0, "medinfer.golden.total": 0}
            total = sum([await self._check_golden(size, limits.golden.atol, said) for size in sizes])
        with trace.span("warm-up") as said:
            latencies: dict[int, list[float]] = {size: [] for size in sizes}
            while size := next_batch_size(latencies, self._clock() - started, limits.max_seconds):
                latencies[size].append(1000 * (await self._run(np.arange(size) % len(self._golden.inputs)))[1])
            proof = conclude(latencies, total, total)
            said |= {"medinfer.batch_sizes": _listed(sizes), "medinfer.batches": proof.iterations}
            said |= {"medinfer.p50_ms": proof.p50_ms, "medinfer.p95_ms": proof.p95_ms}
            said["medinfer.settled"] = proof.settled
        return proof

    async def _check_golden(self, size: int, atol: float, said: Said) -> int:
        """The number of rows that were compared, which all matched; raises VersionFailed. Both are added to `said`."""
        good: list[bool] = []
        for rows in golden_rows(len(self._golden.inputs), size):
            logits, _ = await self._run(rows)
            good.extend(matches(logits, self._golden, rows, atol).tolist())
        said["medinfer.golden.matched"] = int(said["medinfer.golden.matched"]) + sum(good)
        said["medinfer.golden.total"] = int(said["medinfer.golden.total"]) + len(good)
        if not all(good):
            message = (
                f"{len(good) - sum(good)} of {len(good)} golden outputs differ at batch size {size} (atol {atol:g})"
            )
            raise VersionFailed(Reason.GOLDEN_MISMATCH, message)
        return len(good)

    async def _run(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.float32], float]:
        """The output for the golden inputs `rows`, and the seconds that they took."""
        batch = self._golden.inputs[rows]
        started = self._clock()
        logits = await self._infer(batch)
        seconds = self._clock() - started
        await self._rest(REST_PER_BATCH * seconds)
        return logits, seconds


def _listed(sizes: list[int]) -> str:
    """As people write them: `1, 4, 8`."""
    return ", ".join(map(str, sizes))
