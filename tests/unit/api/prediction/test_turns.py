"""What is computed in one turn of the event loop is bounded."""

import asyncio
import time

from inference_api.prediction.turns import LONG_TURN_SECONDS, Turn


def work() -> str:
    until = time.perf_counter() + LONG_TURN_SECONDS
    while time.perf_counter() < until:
        pass
    return "done"


async def test_a_turn_has_no_more_time_after_much_work_until_the_next_one() -> None:
    turn = Turn()
    assert turn.has_time
    assert turn.run(work) == "done"
    assert not turn.has_time
    await asyncio.sleep(0)
    assert turn.has_time
