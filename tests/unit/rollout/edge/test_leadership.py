"""One operator at a time: the Lease taken, renewed, lost, taken over and given back."""

import asyncio

import pytest
from rollout_operator.edge.errors import Conflict, NotLeader, Unavailable
from rollout_operator.edge.leadership import Leadership

from ci.stack.waiting import until
from tests.unit.rollout.edge.leases import Clock, FakeLeases

LEASE_SECONDS = 10


class Operator:
    """One of them, with every change of leadership."""

    def __init__(self, leases: FakeLeases, clock: Clock, identity: str, lease_seconds: int = LEASE_SECONDS) -> None:
        self.changes: list[bool] = []
        self.leadership = Leadership(leases, "operator", identity, lease_seconds, self.changes.append, clock)

    async def attempt(self) -> bool:
        await self.leadership.attempt()
        return self.leadership.is_held()

    @property
    def is_held(self) -> bool:
        return self.leadership.is_held()


@pytest.fixture
def leases() -> FakeLeases:
    return FakeLeases()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def a(leases: FakeLeases, clock: Clock) -> Operator:
    return Operator(leases, clock, "a")


@pytest.fixture
def b(leases: FakeLeases, clock: Clock) -> Operator:
    return Operator(leases, clock, "b")


def api_server_is_away() -> None:
    raise Unavailable("refused")


async def test_nothing_is_written_before_it_is_held(a: Operator) -> None:
    with pytest.raises(NotLeader, match="Lease operator is not held"):
        a.leadership.check()


async def test_a_lease_that_nobody_made_is_taken(leases: FakeLeases, a: Operator) -> None:
    assert await a.attempt()
    assert (leases.holder, a.changes) == ("a", [True])
    a.leadership.check()


async def test_another_stands_by_while_it_is_renewed(
    leases: FakeLeases, clock: Clock, a: Operator, b: Operator
) -> None:
    for _ in range(20):
        assert await a.attempt() and not await b.attempt()
        clock.now_seconds += 2
    assert (leases.holder, a.changes, b.changes) == ("a", [True], [])


async def test_another_takes_over_once_it_is_silent(clock: Clock, a: Operator, b: Operator) -> None:
    await a.attempt()
    assert not await b.attempt()
    clock.now_seconds += LEASE_SECONDS - 0.1
    assert not await b.attempt()
    clock.now_seconds += 0.1
    assert await b.attempt()


async def test_two_never_hold_it_at_once(leases: FakeLeases, clock: Clock, a: Operator, b: Operator) -> None:
    """a renews until second 30 and is frozen then; b watches all the time."""
    for second in range(60):
        if second <= 30:
            await a.attempt()
        await b.attempt()
        assert not (a.is_held and b.is_held)
        clock.now_seconds += 1
    assert b.is_held and leases.holder == "b"
    assert not await a.attempt()
    assert a.changes == [True, False]


async def test_one_that_was_frozen_knows_it_before_it_looks(clock: Clock, a: Operator) -> None:
    await a.attempt()
    clock.now_seconds += 0.8 * LEASE_SECONDS - 0.1
    a.leadership.check()
    clock.now_seconds += 0.1
    with pytest.raises(NotLeader):
        a.leadership.check()


async def test_an_api_server_that_is_away_ends_it_by_time_only(leases: FakeLeases, clock: Clock, a: Operator) -> None:
    await a.attempt()
    leases.before_read = api_server_is_away
    clock.now_seconds += 5
    assert await a.attempt()
    clock.now_seconds += 5
    assert not await a.attempt()
    assert a.changes == [True, False]
    leases.before_read = lambda: None
    assert await a.attempt()
    assert a.changes == [True, False, True]


async def test_a_gap_is_reported_even_if_nobody_looked_in_it(clock: Clock, a: Operator) -> None:
    """Visits in the gap went to sleep, and another may have led: both need to hear of it."""
    await a.attempt()
    clock.now_seconds += 9
    assert await a.attempt()
    assert a.changes == [True, False, True]


async def test_a_gap_in_the_middle_of_an_attempt_is_reported(leases: FakeLeases, clock: Clock, a: Operator) -> None:
    await a.attempt()
    clock.now_seconds += 7

    def slow() -> None:
        clock.now_seconds += 2

    leases.before_write = slow
    assert await a.attempt()
    assert a.changes == [True, False, True]


async def test_the_time_counts_from_before_the_write(leases: FakeLeases, clock: Clock, a: Operator) -> None:
    def slow() -> None:
        clock.now_seconds += LEASE_SECONDS

    leases.before_write = slow
    assert not await a.attempt()
    assert leases.holder == "a"


async def test_whoever_writes_in_between_wins(leases: FakeLeases, clock: Clock, a: Operator, b: Operator) -> None:
    await a.attempt()
    await b.attempt()
    clock.now_seconds += LEASE_SECONDS
    leases.before_write = lambda: leases.put(leases.lease or {})
    assert not await b.attempt()
    assert b.changes == []


async def test_a_conflict_ends_it_at_once(leases: FakeLeases, a: Operator) -> None:
    await a.attempt()

    def another_wrote() -> None:
        raise Conflict("modified")

    leases.before_write = another_wrote
    assert not await a.attempt()
    assert a.changes == [True, False]


async def test_a_lease_in_another_name_ends_it_at_once(leases: FakeLeases, a: Operator) -> None:
    await a.attempt()
    assert leases.lease
    leases.lease["spec"]["holderIdentity"] = "b"
    assert not await a.attempt()
    assert a.changes == [True, False]


async def test_a_lease_that_was_deleted_is_made_again(leases: FakeLeases, a: Operator) -> None:
    await a.attempt()
    leases.lease = None
    assert await a.attempt()
    assert (leases.holder, a.changes) == ("a", [True])


async def test_the_same_identity_need_not_wait_for_itself(leases: FakeLeases, clock: Clock, a: Operator) -> None:
    await a.attempt()
    assert await Operator(leases, clock, "a").attempt()


async def test_a_longer_promise_of_the_holder_is_waited_for(leases: FakeLeases, clock: Clock, b: Operator) -> None:
    before = Operator(leases, clock, "a", lease_seconds=40)
    await before.attempt()
    await b.attempt()
    clock.now_seconds += 30
    assert before.is_held and not await b.attempt()
    clock.now_seconds += 10
    assert not before.is_held and await b.attempt()


async def start(operator: Operator) -> asyncio.Task[None]:
    running = asyncio.create_task(operator.leadership.run())
    await until(lambda: operator.changes, "it leads")
    return running


async def end(running: asyncio.Task[None]) -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_is_given_back_at_the_end(leases: FakeLeases, a: Operator, b: Operator) -> None:
    await end(await start(a))
    assert leases.holder == "" and not a.is_held
    assert await b.attempt()


@pytest.mark.parametrize("away", ["before_read", "before_write"])
async def test_it_ends_even_if_it_cannot_be_given_back(leases: FakeLeases, a: Operator, away: str) -> None:
    running = await start(a)
    setattr(leases, away, api_server_is_away)
    await end(running)
    assert leases.holder == "a" and not a.is_held


async def test_what_another_took_meanwhile_is_not_given_back(leases: FakeLeases, a: Operator) -> None:
    running = await start(a)
    assert leases.lease
    leases.lease["spec"]["holderIdentity"] = "b"
    await end(running)
    assert leases.holder == "b"


async def test_one_that_stands_by_gives_nothing_back(
    leases: FakeLeases, clock: Clock, a: Operator, b: Operator
) -> None:
    await a.attempt()
    running = asyncio.create_task(b.leadership.run())
    reads: list[None] = []
    leases.before_read = lambda: reads.append(None)
    await until(lambda: reads, "b looks at the Lease")
    await end(running)
    assert (leases.holder, leases.writes, b.changes) == ("a", 1, [])
