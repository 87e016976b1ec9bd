"""Whether a loop that is late was blocked, or waited for a CPU."""

import asyncio
import time

import pytest
from inference_api.process.loop_lateness import LATENESS_BOUNDS_SECONDS, LoopLateness, cpu_wait_seconds

BLOCKED_SECONDS = 0.3


@pytest.mark.parametrize(("waited_seconds", "blocked"), [(0.0, 1), (BLOCKED_SECONDS, 0)], ids=["blocked", "no-cpu"])
async def test_a_loop_that_waited_for_a_cpu_was_not_blocked(waited_seconds: float, blocked: int) -> None:
    measured = LoopLateness(lambda: waited_seconds)
    measuring = asyncio.create_task(measured.measure())
    await asyncio.sleep(0)
    compute(BLOCKED_SECONDS)
    await measuring
    late = LATENESS_BOUNDS_SECONDS.index(0.1) + 1
    counts = {name: sum(counted["buckets"][late:]) for name, counted in measured.document().items()}
    assert counts == {"lateness": 1, "blocked": blocked}


def compute(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_the_wait_for_a_cpu_only_grows() -> None:
    before = cpu_wait_seconds()
    assert 0.0 <= before <= cpu_wait_seconds()
