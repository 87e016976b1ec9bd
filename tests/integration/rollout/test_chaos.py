"""A release while parts die at random: nothing fails but what a killed API container had, and the version is promoted.

CHAOS_SEEDS: seeds with spaces between them, one run each; `make chaos SEEDS=10` sets it.
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.load.load import Load, Result
from tests.harness.rollout.chaos import Chaos, Outage
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.proofs import unproved
from tests.harness.rollout.rollouts import RolloutStack
from tests.harness.rollout.service import Service

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1500)]

SEEDS = [int(seed) for seed in os.environ.get("CHAOS_SEEDS", "1").split()]
SECONDS, RATE = 300.0, 10.0
BETWEEN_SECONDS = (3.0, 10.0)
PROMOTED_SECONDS = 600.0
# Without faults it would take as long as they last.
STEPS = [
    {"shadow": {"percent": 100, "minSamples": 60}},
    {"setWeight": 10},
    {"pause": {"seconds": 60}},
    {"setWeight": 50},
    {"pause": {"seconds": 120}},
    {"setWeight": 100},
]
ANALYSIS = {"intervalSeconds": 2, "minSamples": 20}


@pytest.fixture
def stack(namespace: Namespace, bundles: Path, tmp_path: Path) -> Iterator[RolloutStack]:
    stack = RolloutStack(namespace, bundles, tmp_path, subnet=72)
    stack.kubelet.says_how = True
    try:
        yield stack
    finally:
        stack.stop()


@pytest.mark.parametrize("seed", SEEDS)
def test_an_innocent_version_is_promoted(stack: RolloutStack, images: list[bytes], seed: int) -> None:
    print(f"chaos: seed {seed}")
    stack.start()
    with (
        Service("127.0.72.240", 8002, stack.endpoints) as service,
        Chaos(stack, service, random.Random(seed)) as chaos,
        stack.load(images, stack.expected(images, 1, 2), [service.url], rate_per_second=RATE) as load,
    ):
        load.wait_until_answered(30)
        stack.apply(2, steps=STEPS, analysis=ANALYSIS)
        strike_until_over(chaos, load, random.Random(seed))
        chaos.settle()
        stack.wait_for_ready(2, PROMOTED_SECONDS)
        load.mark("promoted")
        load.wait_until_answered(100)
        result = load.finish(at_least=1000)
    print("\n".join(stack.events()))
    assert unexcused(result, chaos.outages) == []
    assert result.between("promoted").by_version().keys() == {2}
    outcomes = [(one["release"]["version"], one["outcome"]) for one in stack.status()["history"]]
    assert outcomes[-1:] == [(2, "Promoted")] and "RolledBack" not in dict(outcomes).values(), outcomes
    count, wrong = unproved(stack)
    assert count > 1000 and wrong == [], "each version had proved itself on each replica before its first request there"


def strike_until_over(chaos: Chaos, load: Load, dice: random.Random) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        load.last(dice.uniform(*BETWEEN_SECONDS))
        chaos.strike()


def unexcused(result: Result, outages: list[Outage]) -> list[str]:
    """What failed, but for what killed API containers had."""
    failed = [one for one in result.answers if one.failure and not any(outage.excuses(one) for outage in outages)]
    broken = sum(1 for one in result.answers if one.failure) - len(failed)
    print(f"chaos: {broken} requests ended with {len(outages)} killed API containers")
    others = [f"{what}: {count}" for what, count in (("no answer", result.unanswered), ("dropped", result.dropped))]
    return [f"{one.sent_ms:.0f} {one.failure}" for one in failed] + [one for one in others if not one.endswith(": 0")]
