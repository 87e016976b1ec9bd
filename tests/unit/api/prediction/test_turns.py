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


async def test_what_finds_no_more_time_is_done_one_turn_after_the_other_in_order() -> None:
    turn, done = Turn(), list[str]()

    async def decode(name: str) -> None:
        await turn.wait()
        turn.run(work)
        done.append(name)

    async def others() -> None:
        for _ in range(4):
            done.append("others")
            await asyncio.sleep(0)

    await asyncio.gather(decode("first"), decode("second"), decode("third"), others())
    assert [name for name in done if name != "others"] == ["first", "second", "third"]
    between = [done[done.index(one) : done.index(other)] for one, other in (("first", "second"), ("second", "third"))]
    assert all("others" in names for names in between)
