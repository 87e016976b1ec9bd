"""When a rollout is reconciled."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from rollout_operator.workqueue import MAX_CONCURRENT, Workqueue

from ci.stack.waiting import until

LATER = 3600.0


class Reconciles:
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

    async def come_to_rest(self) -> None:
        """Until nothing happens any more by itself."""
        for _ in range(20):
            await asyncio.sleep(0)


@asynccontextmanager
async def running(reconcile: Callable[[str], Awaitable[float | None]]) -> AsyncIterator[Workqueue]:
    workqueue = Workqueue(reconcile)
    try:
        yield workqueue
    finally:
        await workqueue.stop()


async def test_a_rollout_is_reconciled_when_it_is_woken() -> None:
    reconciles = Reconciles()
    async with running(reconciles.reconcile) as workqueue:
        await reconciles.come_to_rest()
        assert reconciles.names == []
        for seen in (1, 2):
            workqueue.wake("a")
            await reconciles.come_to_rest()
            assert reconciles.names == ["a"] * seen


async def test_a_rollout_is_reconciled_again_when_its_time_comes() -> None:
    reconciles = Reconciles(0.0, 0.001, 0.002)
    async with running(reconciles.reconcile) as workqueue:
        workqueue.wake("a")
        await until(lambda: len(reconciles.names) == 4, "three more reconciles")
        await reconciles.come_to_rest()
        assert len(reconciles.names) == 4


async def test_a_wake_up_during_a_reconcile_is_not_lost() -> None:
    reconciles = Reconciles()
    free = reconciles.hold("a")
    async with running(reconciles.reconcile) as workqueue:
        workqueue.wake("a")
        await reconciles.come_to_rest()
        for _ in range(3):
            workqueue.wake("a")
        free.set()
        await reconciles.come_to_rest()
        assert reconciles.names == ["a", "a"]


async def test_a_rollout_that_is_gone_is_not_reconciled_until_it_is_there_again() -> None:
    reconciles = Reconciles(None)
    async with running(reconciles.reconcile) as workqueue:
        workqueue.wake("a")
        await reconciles.come_to_rest()
        workqueue.wake_all()
        await reconciles.come_to_rest()
        assert reconciles.names == ["a"]
        workqueue.wake("a")
        await reconciles.come_to_rest()
        assert reconciles.names == ["a", "a"]


async def test_a_rollout_made_again_during_the_reconcile_that_missed_it() -> None:
    reconciles = Reconciles(None)
    free = reconciles.hold("a")
    async with running(reconciles.reconcile) as workqueue:
        workqueue.wake("a")
        await reconciles.come_to_rest()
        workqueue.wake("a")
        free.set()
        await reconciles.come_to_rest()
        assert reconciles.names == ["a", "a"]


async def test_everybody_is_woken() -> None:
    reconciles = Reconciles()
    async with running(reconciles.reconcile) as workqueue:
        for name in "abc":
            workqueue.wake(name)
        await reconciles.come_to_rest()
        workqueue.wake_all()
        await reconciles.come_to_rest()
        assert sorted(reconciles.names) == ["a", "a", "b", "b", "c", "c"]


async def test_a_slow_reconcile_holds_up_nobody_else() -> None:
    reconciles = Reconciles()
    reconciles.hold("slow")
    async with running(reconciles.reconcile) as workqueue:
        workqueue.wake("slow")
        workqueue.wake("b")
        await reconciles.come_to_rest()
        workqueue.wake("slow")
        workqueue.wake("b")
        await reconciles.come_to_rest()
        assert reconciles.names == ["slow", "b", "b"]


async def test_reconciles_at_once_are_bounded() -> None:
    reconciles = Reconciles()
    names = [f"r{number}" for number in range(MAX_CONCURRENT + 4)]
    for name in names:
        reconciles.hold(name)
    async with running(reconciles.reconcile) as workqueue:
        for name in names:
            workqueue.wake(name)
        await reconciles.come_to_rest()
        assert reconciles.most_at_once == len(reconciles.now) == MAX_CONCURRENT
        for name in names:
            reconciles.hold(name).set()
        await reconciles.come_to_rest()
        assert sorted(reconciles.names) == sorted(names)


@pytest.mark.parametrize("busy", [True, False], ids=["in a reconcile", "between reconciles"])
async def test_stopping_ends_the_rounds(busy: bool) -> None:
    reconciles = Reconciles()
    if busy:
        reconciles.hold("a")
    workqueue = Workqueue(reconciles.reconcile)
    workqueue.wake("a")
    await reconciles.come_to_rest()
    workqueue.wake("a")  # meets the cancellation
    await workqueue.stop()
    await reconciles.come_to_rest()
    assert reconciles.now == [] and len(reconciles.names) == 1


async def test_stopping_what_never_began() -> None:
    await Workqueue(Reconciles().reconcile).stop()
