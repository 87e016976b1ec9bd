"""The floor for autoscalers: the replicas that there were when the release began, from its first moment to its last."""

from dataclasses import replace

import pytest
from rollout_operator.decide.decide import decide
from rollout_operator.documents.spec import InvalidSpec, OnFailure
from rollout_operator.documents.status import parse_status

from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.mid_canary import mid_canary
from tests.unit.rollout.simulated_agent import Agent, Behaviour
from tests.unit.rollout.simulated_cluster import Cluster


def floor(made: Cluster) -> int | None:
    return made.routes.replica_floor if made.routes else None


def add_replica(made: Cluster) -> None:
    made.agents["triton-9"] = Agent("triton-9")


def floors(made: Cluster, phase: str, ticks: int = 80) -> dict[str, set[int | None]]:
    """Those that were published in each phase, until `phase`."""
    seen: dict[str, set[int | None]] = {}
    for _ in range(ticks):
        made.tick()
        seen.setdefault(made.phase, set()).add(floor(made))
        if made.phase == phase:
            break
    assert phase in seen, seen
    return seen


def test_nothing_is_held_at_rest() -> None:
    made = cluster(replicas=3)
    assert floor(made) is None
    assert floor(made.run(20)) is None


def test_a_good_release_holds_it_until_it_is_healthy() -> None:
    made = cluster(replicas=3)
    release(made)
    seen = floors(made, "Healthy")
    at_work = {phase: found for phase, found in seen.items() if phase not in ("Healthy", "Pending")}
    assert {"Verifying", "Progressing", "Promoting"} <= at_work.keys()
    assert set().union(*at_work.values()) == {3}, seen
    assert floor(made.run(12)) is None
    assert made.phase == "Healthy", "taking the floor away does not undo the release"


@pytest.mark.parametrize("fails", ["GoldenMismatch", "DigestMismatch"])
def test_a_bad_release_holds_it_until_it_is_rolled_back(fails: str) -> None:
    made = cluster(bad=Behaviour(fails=fails))
    release(made)
    seen = floors(made, "Blocked" if fails == "DigestMismatch" else "RolledBack")
    assert seen["Verifying"] == {2}
    assert floor(made.run(5)) is None


def test_a_canary_that_is_held_for_inspection_holds_no_replica() -> None:
    made = cluster(bad=Behaviour(error_share=1))
    release(made)
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, on_failure=OnFailure.HOLD))
    seen = floors(made, "Held")
    assert 2 in seen["Verifying"]
    assert floor(made.run(5)) is None


def test_what_an_autoscaler_adds_during_the_release_may_go_again() -> None:
    made = mid_canary(replicas=2)
    add_replica(made)
    assert floor(made.run(5)) == 2


def test_a_new_operator_holds_what_the_last_one_published() -> None:
    made = mid_canary(replicas=2)
    add_replica(made)
    made.status = {}
    assert floor(made.run(3)) == 2


def test_with_a_spec_that_cannot_be_read_no_release_runs() -> None:
    made = mid_canary(replicas=2)
    assert floor(made) == 2
    decision = decide(InvalidSpec(("version: is missing; write it",), 9), parse_status(made.status), made.observe())
    assert decision.routes and decision.routes.replica_floor is None
