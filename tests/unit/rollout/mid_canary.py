"""Where faults begin: a canary that has half of the traffic, in a pause."""

from dataclasses import replace

from rollout_operator.documents.step_kinds import PauseStep, Step

from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_cluster import Cluster

STEPS = (Step(set_weight=50), Step(pause=PauseStep(30)), Step(set_weight=100))


def mid_canary(replicas: int = 2) -> Cluster:
    """In a pause at 50 %."""
    made = release(cluster(replicas=replicas))
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, steps=STEPS))
    made.run(14)
    assert made.routes and made.routes.canary_weight == 50
    return made


def routed(made: Cluster, name: str) -> tuple[int, ...] | None:
    """None: the routes name no version there, so that it is asked last, and only if its agent vouches for stable."""
    replica = made.routes.replica(name) if made.routes else None
    return (replica.versions or None) if replica else None
