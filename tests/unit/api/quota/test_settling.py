"""Processes settle with a ledger in the background; what they let in together stays within the stated bound."""

import random

import pytest
from inference_api.access.clients import Client, Quota
from inference_api.quota.budget import slice_images
from inference_api.quota.limiter import Limiter
from inference_api.quota.refusals import QuotaExceeded
from inference_api.quota.settling import HEARTBEAT_SECONDS, SETTLE_SECONDS, Settling
from inference_api.transport.triton import MAX_BATCH_SIZE

from tests.unit.api.quota.fake_ledger import FakeLedger, SharedLedger


class Cluster:
    """So many processes with one client of this quota, on one clock."""

    def __init__(self, processes: int, quota: Quota) -> None:
        self.shared, self.client = SharedLedger(), Client("pacs", quota=quota)
        self.limiters = [Limiter(processes, self.now) for _ in range(processes)]
        self.ledgers = [FakeLedger(self.shared, str(number)) for number in range(processes)]
        self.settlings = [
            Settling(limiter, ledger, self.now) for limiter, ledger in zip(self.limiters, self.ledgers, strict=True)
        ]
        for limiter in self.limiters:
            limiter.follow([self.client])

    def now(self) -> float:
        return self.shared.now

    def set(self, state: str) -> None:
        for ledger in self.ledgers:
            ledger.state = state

    async def settle(self, seconds: float = 0.0) -> None:
        """All processes settle; the time goes on in steps of SETTLE_SECONDS."""
        until = self.shared.now + seconds
        while True:
            for settling in self.settlings:
                await settling.step()
            if self.shared.now >= until:
                return
            self.shared.now += SETTLE_SECONDS

    def ask(self, process: int, images: int = 1) -> bool:
        try:
            with self.limiters[process].working(self.client, images):
                return True
        except QuotaExceeded:
            return False

    def let_in(self, process: int) -> int:
        """Images that are let in one after the other, until one is refused."""
        count = 0
        while count < 10_000 and self.ask(process):
            count += 1
        return count


async def test_one_process_may_have_the_whole_quota() -> None:
    cluster = Cluster(4, Quota(600))
    await cluster.settle()
    got = 0
    for _ in range(20):
        got += cluster.let_in(0)
        await cluster.settle(SETTLE_SECONDS)
    assert 600 <= got <= 600 + slice_images(600, 4) + 10 * 20 * SETTLE_SECONDS + 1


async def test_what_others_had_is_gone() -> None:
    cluster = Cluster(2, Quota(600))
    await cluster.settle()
    for _ in range(30):
        cluster.let_in(0)
        await cluster.settle(SETTLE_SECONDS)
    assert cluster.let_in(1) <= 20
    assert cluster.limiters[1].headers(cluster.client)[1][1].startswith(b'"images-per-minute";r=')


@pytest.mark.parametrize("per_minute", [5, 60, 600, 6000])
async def test_the_largest_batch_is_let_in(per_minute: int) -> None:
    cluster = Cluster(6, Quota(per_minute))
    await cluster.settle()
    assert cluster.ask(0, MAX_BATCH_SIZE)


async def test_a_process_takes_its_share_while_the_ledger_is_away() -> None:
    cluster = Cluster(4, Quota(600))
    cluster.set("away")
    await cluster.settle()
    assert [cluster.let_in(process) for process in range(4)] == [150] * 4
    cluster.shared.now += 6
    assert cluster.let_in(0) == 15


async def test_a_busy_process_has_no_fresh_share_when_the_ledger_goes() -> None:
    cluster = Cluster(2, Quota(600))
    await cluster.settle()
    for _ in range(30):
        cluster.let_in(0)
        await cluster.settle(SETTLE_SECONDS)
    cluster.set("away")
    await cluster.settle(HEARTBEAT_SECONDS)
    assert cluster.let_in(0) <= 5 * HEARTBEAT_SECONDS + 1


async def test_images_in_flight_are_shared_among_those_that_live() -> None:
    cluster = Cluster(4, Quota(None, 8))
    assert cluster.limiters[0].headers(cluster.client)[1][1] == b'"images-in-flight";r=2'
    cluster.settlings = cluster.settlings[:2]
    await cluster.settle(HEARTBEAT_SECONDS + SETTLE_SECONDS)
    assert cluster.limiters[0].headers(cluster.client)[1][1] == b'"images-in-flight";r=4'
    cluster.set("away")
    await cluster.settle(HEARTBEAT_SECONDS + SETTLE_SECONDS)
    assert cluster.limiters[0].headers(cluster.client)[1][1] == b'"images-in-flight";r=2'


async def test_a_report_without_an_answer_counts_once() -> None:
    cluster = Cluster(1, Quota(600))
    await cluster.settle()
    assert cluster.ask(0, 8)
    cluster.set("mute")
    await cluster.settle(10)
    cluster.set("there")
    await cluster.settle(3)
    assert cluster.shared.buckets["pacs"].full_at < 1.5  # 8 images of 0.1 s, once
    assert cluster.limiters[0].live == 1


async def test_what_was_spent_while_the_ledger_was_away_is_reported() -> None:
    cluster = Cluster(1, Quota(600))
    cluster.set("away")
    for _ in range(3):
        assert cluster.ask(0, 8)
        await cluster.settle(3)
    cluster.set("there")
    await cluster.settle(3)
    assert sum(report.spent["pacs"][0] for report in cluster.ledgers[0].reports) == 24


async def test_it_asks_seldom_while_nothing_happens_or_nobody_answers() -> None:
    cluster = Cluster(1, Quota(600))
    await cluster.settle(60)
    assert len(cluster.ledgers[0].reports) <= 60 / HEARTBEAT_SECONDS + 2
    cluster.set("mute")
    before = len(cluster.ledgers[0].reports)
    await cluster.settle(60)
    assert len(cluster.ledgers[0].reports) - before <= 35


@pytest.mark.parametrize("seed", range(40))
async def test_together_they_never_exceed_the_bound(seed: int) -> None:
    """docs/contracts.md states it: L (1 + t/60) + N s, more for an absence, and twice the rate for a partial one."""
    chance = random.Random(seed)
    processes, per_minute = chance.randint(1, 6), chance.choice((5, 60, 600, 6000))
    cluster = Cluster(processes, Quota(per_minute))
    states = chance.choice((("there",), ("away",), ("there", "away", "mute")))
    partial, got, was_away = chance.random() < 0.5, 0, states == ("away",)
    slices = processes * slice_images(per_minute, processes)
    cluster.set(states[0])
    await cluster.settle()
    start = cluster.shared.now
    for _ in range(300):
        if chance.random() < 0.03:
            ledgers = chance.sample(cluster.ledgers, chance.randint(1, processes)) if partial else cluster.ledgers
            state = chance.choice(states)
            for ledger in ledgers:
                ledger.state = state
        was_away = was_away or any(ledger.state != "there" for ledger in cluster.ledgers)
        greedy = chance.choice((0.0, 0.9, 1.0))
        for process in range(processes):
            while (
                got <= 10**6
                and chance.random() < greedy
                and cluster.ask(process, images := chance.choice((1, 8, MAX_BATCH_SIZE)))
            ):
                got += images
        await cluster.settle(SETTLE_SECONDS)
        seconds = cluster.shared.now - start
        bound = per_minute * (1 + seconds / 60) + slices
        if was_away:
            bound += per_minute + MAX_BATCH_SIZE * processes + (per_minute * seconds / 60 if partial else 0)
        if states == ("away",):
            bound = max(per_minute, MAX_BATCH_SIZE * processes) + per_minute * seconds / 60
        assert got <= bound + 1
