"""What is computed in one turn of the event loop is bounded."""

import asyncio
import time
from functools import partial

import pytest
from inference_api.prediction.turns import LONG_TURN_SECONDS, Turn


def spend(seconds: float = LONG_TURN_SECONDS) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def fail() -> None:
    spend()
    raise ValueError("damaged")


class Turns:
    """What was done in each turn of the loop, by name."""

    def __init__(self) -> None:
        self.turn = Turn()
        self.done: list[list[str]] = [[]]

    async def work(self, name: str) -> None:
        def work() -> None:
            spend()
            self.done[-1].append(name)

        await self.turn.run(work)

    async def count(self) -> None:
        for _ in range(8):
            self.done.append([])
            await asyncio.sleep(0)

    @property
    def with_work(self) -> list[list[str]]:
        return [names for names in self.done if names]


async def test_small_work_is_done_in_one_turn_and_at_once() -> None:
    turn, done = Turn(), list[int]()
    for number in range(3):
        await turn.run(partial(done.append, number))
        assert done == list(range(number + 1))


async def test_what_finds_no_more_time_is_done_in_later_turns_in_order() -> None:
    turns = Turns()
    await asyncio.gather(*(turns.work(name) for name in ("first", "second", "third")), turns.count())
    assert turns.with_work == [["first"], ["second"], ["third"]]


async def test_what_comes_later_does_not_overtake_what_waits() -> None:
    turns = Turns()

    async def come_later() -> None:
        await asyncio.sleep(0)
        await turns.work("late")

    await asyncio.gather(turns.work("first"), turns.work("second"), turns.work("third"), come_later(), turns.count())
    assert turns.with_work == [["first"], ["second"], ["third"], ["late"]]


async def test_an_error_reaches_who_waits_and_stops_nobody_else() -> None:
    turns = Turns()
    first = asyncio.create_task(turns.work("first"))
    broken = asyncio.create_task(turns.turn.run(fail))
    last = asyncio.create_task(turns.work("last"))
    with pytest.raises(ValueError, match="damaged"):
        await broken
    await asyncio.gather(first, last)
    assert turns.with_work == [["first", "last"]]


async def test_work_of_who_was_cancelled_is_not_done() -> None:
    turns = Turns()
    tasks = [asyncio.create_task(turns.work(name)) for name in ("first", "cancelled", "last")]
    await asyncio.sleep(0)
    tasks[1].cancel()
    await asyncio.wait(tasks)
    assert turns.with_work == [["first", "last"]]
