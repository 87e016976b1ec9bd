"""Where most situations begin: version 1 is Healthy on every replica, and the invariants are checked at each tick."""

from dataclasses import replace
from typing import Any

from tests.unit.rollout.invariants import check_all
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest, spec

GOOD = {digest(number): Behaviour() for number in range(1, 6)}


def cluster(bad: Behaviour | None = None, replicas: int = 2, *, is_traced: bool = False) -> Cluster:
    """Version 1 is Healthy; version 2 is good, or `bad`."""
    made = Cluster(spec(1), GOOD | ({digest(2): bad} if bad else {}), replicas)
    made.checks.append(check_all)
    made.is_traced = is_traced
    return made.run_until("Healthy")


def release(made: Cluster, version: int = 2, **changes: Any) -> Cluster:
    made.spec = replace(spec(version, **changes), generation=made.spec.generation + 1)
    return made


def condition(made: Cluster, type: str) -> tuple[str, str]:
    found = next((one for one in made.status["conditions"] if one["type"] == type), None)
    return (found["status"], found["reason"]) if found else ("-", "-")


def weights(made: Cluster, ticks: int) -> list[int]:
    """The canary's weight at each tick, repetitions left out."""
    seen: list[int] = []
    for _ in range(ticks):
        made.tick()
        weight = made.routes.canary_weight if made.routes else 0
        if not seen or seen[-1] != weight:
            seen.append(weight)
    return seen


def served(made: Cluster) -> list[int]:
    """Versions that each replica holds; the same everywhere."""
    every = {tuple(sorted(agent.loaded)) for agent in made.agents.values()}
    assert len(every) == 1, every
    return list(every.pop())
