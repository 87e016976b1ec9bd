"""When a rollout is visited."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from rollout_operator.workqueue import MAX_CONCURRENT, Workqueue

from ci.stack.waiting import until

LATER = 3600.0


class Visits:
    """Notes each reconcile. `answers`: what the next ones return, then LATER. One of `held` waits for its event."""

    def __init__(self, *answers: float | None) -> None:
        self.names: list[str] = []
        self.answers = list(answers)
        self.held: dict[str, asyncio.Event] = {}
        self.now: list[str] = []
        self.most_at_once = 0

    async def reconcile(self, name: str) -> float | None:
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
async def rounds_of(reconcile: Callable[[str], Awaitable[float | None]]) -> AsyncIterator[Workqueue]:
    workqueue = Workqueue(reconcile)
    try:
        yield workqueue
    finally:
        await workqueue.stop()


async def test_a_rollout_is_visited_when_it_is_woken() -> None:
    visits = Visits()
    async with rounds_of(visits.reconcile) as workqueue:
        await visits.settle()
        assert visits.names == []
        for seen in (1, 2):
            workqueue.wake("a")
            await visits.settle()
            assert visits.names == ["a"] * seen


async def test_a_rollout_is_visited_again_when_its_time_comes() -> None:
    visits = Visits(0.0, 0.001, 0.002)
    async with rounds_of(visits.reconcile) as workqueue:
        workqueue.wake("a")
        await until(lambda: len(visits.names) == 4, "three more visits")
        await visits.settle()
        assert len(visits.names) == 4


async def test_a_wake_up_during_a_visit_is_not_lost() -> None:
    visits = Visits()
    free = visits.hold("a")
    async with rounds_of(visits.reconcile) as workqueue:
        workqueue.wake("a")
        await visits.settle()
        for _ in range(3):
            workqueue.wake("a")
        free.set()
        await visits.settle()
        assert visits.names == ["a", "a"]


async def test_a_rollout_that_is_gone_is_not_visited_until_it_is_there_again() -> None:
    visits = Visits(None)
    async with rounds_of(visits.reconcile) as workqueue:
        workqueue.wake("a")
        await visits.settle()
        workqueue.wake_all()
        await visits.settle()
        assert visits.names == ["a"]
        workqueue.wake("a")
        await visits.settle()
        assert visits.names == ["a", "a"]


async def test_a_rollout_made_again_during_the_visit_that_missed_it() -> None:
    visits = Visits(None)
    free = visits.hold("a")
    async with rounds_of(visits.reconcile) as workqueue:
        workqueue.wake("a")
        await visits.settle()
        workqueue.wake("a")
        free.set()
        await visits.settle()
        assert visits.names == ["a", "a"]


async def test_everybody_is_woken() -> None:
    visits = Visits()
    async with rounds_of(visits.reconcile) as workqueue:
        for name in "abc":
            workqueue.wake(name)
        await visits.settle()
        workqueue.wake_all()
        await visits.settle()
        assert sorted(visits.names) == ["a", "a", "b", "b", "c", "c"]


async def test_a_slow_visit_holds_up_nobody_else() -> None:
    visits = Visits()
    visits.hold("slow")
    async with rounds_of(visits.reconcile) as workqueue:
        workqueue.wake("slow")
        workqueue.wake("b")
        await visits.settle()
        workqueue.wake("slow")
        workqueue.wake("b")
        await visits.settle()
        assert visits.names == ["slow", "b", "b"]


async def test_visits_at_once_are_bounded() -> None:
    visits = Visits()
    names = [f"r{number}" for number in range(MAX_CONCURRENT + 4)]
    for name in names:
        visits.hold(name)
    async with rounds_of(visits.reconcile) as workqueue:
        for name in names:
            workqueue.wake(name)
        await visits.settle()
        assert visits.most_at_once == len(visits.now) == MAX_CONCURRENT
        for name in names:
            visits.hold(name).set()
        await visits.settle()
        assert sorted(visits.names) == sorted(names)


@pytest.mark.parametrize("busy", [True, False], ids=["in a reconcile", "between visits"])
async def test_stopping_ends_the_rounds(busy: bool) -> None:
    visits = Visits()
    if busy:
        visits.hold("a")
    workqueue = Workqueue(visits.reconcile)
    workqueue.wake("a")
    await visits.settle()
    workqueue.wake("a")  # meets the cancellation
    await workqueue.stop()
    await visits.settle()
    assert visits.now == [] and len(visits.names) == 1


async def test_stopping_what_never_began() -> None:
    await Workqueue(Visits().reconcile).stop()
