"""When a rollout is visited."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from rollout_operator.workqueue import CONCURRENT_MAX, Rounds

from tests.harness.waiting import until

LATER = 3600.0


class Visits:
    """Notes each visit. `answers`: what the next ones say, then LATER. A visit to one of `held` waits for its event."""

    def __init__(self, *answers: float | None) -> None:
        self.names: list[str] = []
        self.answers = list(answers)
        self.held: dict[str, asyncio.Event] = {}
        self.now: list[str] = []
        self.most_at_once = 0

    async def visit(self, name: str) -> float | None:
        self.names.append(name)
        self.now.append(name)
        self.most_at_once = max(self.most_at_once, len(self.now))
        try:
            if name in self.held:
                await self.held[name].wait()
        finally:
            self.now.remove(name)
        return self.answers.pop(0) if self.answers else LATER

    def hold(self, name: str) -> asyncio.Event:
        return self.held.setdefault(name, asyncio.Event())

    async def settle(self) -> None:
        """Until nothing happens any more by itself."""
        for _ in range(20):
            await asyncio.sleep(0)


@asynccontextmanager
async def rounds_of(visit: Callable[[str], Awaitable[float | None]]) -> AsyncIterator[Rounds]:
    rounds = Rounds(visit)
    try:
        yield rounds
    finally:
        await rounds.stop()


async def test_a_rollout_is_visited_when_it_is_woken() -> None:
    visits = Visits()
    async with rounds_of(visits.visit) as rounds:
        await visits.settle()
        assert visits.names == []
        for seen in (1, 2):
            rounds.wake("a")
            await visits.settle()
            assert visits.names == ["a"] * seen


async def test_a_rollout_is_visited_again_when_its_time_comes() -> None:
    visits = Visits(0.0, 0.001, 0.002)
    async with rounds_of(visits.visit) as rounds:
        rounds.wake("a")
        await until(lambda: len(visits.names) == 4, "three more visits")
        await visits.settle()
        assert len(visits.names) == 4


async def test_a_wake_up_during_a_visit_is_not_lost() -> None:
    visits = Visits()
    free = visits.hold("a")
    async with rounds_of(visits.visit) as rounds:
        rounds.wake("a")
        await visits.settle()
        for _ in range(3):
            rounds.wake("a")
        free.set()
        await visits.settle()
        assert visits.names == ["a", "a"]


async def test_a_rollout_that_is_gone_is_not_visited_until_it_is_there_again() -> None:
    visits = Visits(None)
    async with rounds_of(visits.visit) as rounds:
        rounds.wake("a")
        await visits.settle()
        rounds.wake_all()
        await visits.settle()
        assert visits.names == ["a"]
        rounds.wake("a")
        await visits.settle()
        assert visits.names == ["a", "a"]


async def test_a_rollout_made_again_during_the_visit_that_missed_it() -> None:
    visits = Visits(None)
    free = visits.hold("a")
    async with rounds_of(visits.visit) as rounds:
        rounds.wake("a")
        await visits.settle()
        rounds.wake("a")
        free.set()
        await visits.settle()
        assert visits.names == ["a", "a"]


async def test_everybody_is_woken() -> None:
    visits = Visits()
    async with rounds_of(visits.visit) as rounds:
        for name in "abc":
            rounds.wake(name)
        await visits.settle()
        rounds.wake_all()
        await visits.settle()
        assert sorted(visits.names) == ["a", "a", "b", "b", "c", "c"]


async def test_a_slow_visit_holds_up_nobody_else() -> None:
    visits = Visits()
    visits.hold("slow")
    async with rounds_of(visits.visit) as rounds:
        rounds.wake("slow")
        rounds.wake("b")
        await visits.settle()
        rounds.wake("slow")
        rounds.wake("b")
        await visits.settle()
        assert visits.names == ["slow", "b", "b"]


async def test_visits_at_once_are_bounded() -> None:
    visits = Visits()
    names = [f"r{number}" for number in range(CONCURRENT_MAX + 4)]
    for name in names:
        visits.hold(name)
    async with rounds_of(visits.visit) as rounds:
        for name in names:
            rounds.wake(name)
        await visits.settle()
        assert visits.most_at_once == len(visits.now) == CONCURRENT_MAX
        for name in names:
            visits.hold(name).set()
        await visits.settle()
        assert sorted(visits.names) == sorted(names)


@pytest.mark.parametrize("busy", [True, False], ids=["in a visit", "between visits"])
async def test_stopping_ends_the_rounds(busy: bool) -> None:
    visits = Visits()
    if busy:
        visits.hold("a")
    rounds = Rounds(visits.visit)
    rounds.wake("a")
    await visits.settle()
    rounds.wake("a")  # meets the cancellation
    await rounds.stop()
    await visits.settle()
    assert visits.now == [] and len(visits.names) == 1


async def test_stopping_what_never_began() -> None:
    await Rounds(Visits().visit).stop()
