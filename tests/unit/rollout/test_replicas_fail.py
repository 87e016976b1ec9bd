"""Replicas and their agents die, fall silent, are added and come back, while a rollout is under way."""

from dataclasses import replace

import pytest
from rollout_operator.decide import replicas as replica_rules
from rollout_operator.documents.status import parse_status

from tests.unit.rollout.healthy_cluster import cluster, condition, release, served
from tests.unit.rollout.mid_canary import mid_canary, routed
from tests.unit.rollout.simulated_agent import Agent, Behaviour
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest


def test_an_unreachable_agent_keeps_its_replica_in_the_routes() -> None:
    made = mid_canary()
    made.agents["triton-0"].up = False
    assert made.routes
    before = made.routes.replica("triton-0")
    made.run(3)
    assert before and before.versions == (1, 2) and before.server_id == made.agents["triton-0"].server_id
    assert made.routes.replica("triton-0") == before


def test_another_container_behind_an_unreachable_agent_takes_it_out() -> None:
    made = mid_canary()
    made.agents["triton-0"].up = False
    made.agents["triton-0"].die()
    made.tick()
    assert routed(made, "triton-0") is None


@pytest.mark.parametrize("replicas", [2, 3])
def test_a_replica_that_dies_takes_the_canary_traffic_until_it_serves_again(replicas: int) -> None:
    """Regression: two replicas, one died of the canary; routes with only the other one let the canary kill it too."""
    made = mid_canary(replicas)
    made.agents["triton-0"].die()
    made.operate()
    assert made.routes and (made.routes.canary, routed(made, "triton-0")) == (None, None)
    made.run(2)
    assert made.routes and made.routes.canary is None
    assert "triton-0" in made.status["message"], made.status["message"]
    made.run_until("Healthy")
    assert made.status["stable"]["version"] == 2


def test_a_replica_being_replaced_takes_the_canary_traffic_until_it_serves_again() -> None:
    made = mid_canary()
    gone = made.agents.pop("triton-0")
    seen = replace(made.observe(), desired_replicas=2)
    assert replica_rules.lost(seen, parse_status(made.status).stable) == ("triton-0",)
    made.agents["triton-0"] = Agent(gone.name, uid=1, not_ready_since=made.now)
    made.operate()
    assert made.routes and made.routes.canary is None
    made.run_until("Healthy")


@pytest.mark.parametrize("operator_is_there", [True, False], ids=["operator-there", "operator-down"])
def test_what_was_counted_while_a_replica_was_gone_is_no_evidence(operator_is_there: bool) -> None:
    """Regression: stable, slow on one replica, cost an innocent canary its release and quarantined its bytes."""
    made = mid_canary()
    made.operator_up = operator_is_there
    made.agents["triton-0"].up = False
    made.agents["triton-0"].die()
    made.apis["api-0"].suspend()
    made.behaviours[digest(1)] = Behaviour(slow=True)
    made.run(20)
    made.behaviours[digest(1)] = Behaviour()
    made.agents["triton-0"].up = made.operator_up = True
    made.run_until("Healthy")
    assert made.reasons.count("CountedAnew") == 1
    assert made.status["stable"]["version"] == 2


def test_after_a_new_count_a_bad_canary_is_still_found() -> None:
    made = mid_canary()
    made.behaviours[digest(2)] = Behaviour(error_share=0.1)
    made.agents["triton-0"].die()
    made.run_until("RolledBack")
    assert "CountedAnew" in made.reasons
    assert made.status["lastFailure"]["reason"] == "AnalysisFailed"


def test_a_replica_that_is_added_takes_nothing_from_the_canary() -> None:
    made = mid_canary()
    made.agents["triton-2"] = Agent("triton-2", not_ready_since=made.now)
    made.operate()
    assert made.routes and made.routes.canary_weight == 50


def test_a_replica_that_is_no_longer_wanted_takes_nothing_from_the_canary() -> None:
    made = mid_canary(3)
    del made.agents["triton-2"]
    made.operate()
    assert made.routes and made.routes.canary_weight == 50


def test_stables_last_replica_stays_whatever_is_known_of_it() -> None:
    made = cluster(replicas=1)
    made.agents["triton-0"].up = False
    made.agents["triton-0"].die()
    made.tick()
    assert routed(made, "triton-0") == (1,)
    assert (made.phase, condition(made, "Available")) == ("Degraded", ("False", "StableMissing"))


def test_a_terminating_replica_gets_no_new_traffic() -> None:
    made = cluster()
    made.agents["triton-0"].terminating = True
    made.tick()
    assert routed(made, "triton-0") is None
    made.agents["triton-1"].terminating = True
    made.tick()
    assert routed(made, "triton-1") == (1,), "unless nobody else serves stable"


def spares(made: Cluster) -> dict[str, str]:
    """Those that the routes name without a version, with their addresses."""
    return {one.name: one.url for one in made.routes.replicas if not one.versions} if made.routes else {}


def test_the_routes_go_on_naming_a_replica_that_is_lost_ends_is_away_and_comes_back() -> None:
    """So that API pods can ask it once its agent vouches, should the operator not be there to say so."""
    made = cluster()
    made.desired_replicas = 2
    made.tick()
    assert spares(made) == {}
    assert made.routes
    [url] = [one.url for one in made.routes.replicas if one.name == "triton-0"]
    made.agents["triton-0"].die()
    made.tick()
    lost = made.routes
    assert spares(made) == {"triton-0": url}
    made.agents["triton-0"].terminating = True
    made.tick()
    gone = made.agents.pop("triton-0")
    made.tick()
    assert spares(made) == {"triton-0": url}
    made.agents["triton-0"] = Agent(gone.name, uid=1, not_ready_since=made.now)
    made.tick()
    assert made.routes == lost, "nothing was written meanwhile"
    made.run(20)
    assert spares(made) == {} and routed(made, "triton-0") == (1,)


def test_a_replica_that_is_no_longer_wanted_leaves_the_routes() -> None:
    made = cluster(replicas=3)
    made.tick()
    made.desired_replicas = 2
    made.agents["triton-2"].terminating = True
    made.tick()
    assert spares(made).keys() == {"triton-2"}
    del made.agents["triton-2"]
    made.tick()
    assert spares(made) == {} and made.routes and made.routes.replica("triton-2") is None


def test_an_agent_that_says_nothing_while_the_canary_is_loaded_is_named() -> None:
    made = cluster()
    made.agents["triton-1"].up = False
    release(made).run(20)
    assert made.status["stable"]["version"] == 1 and made.status["phase"] != "Healthy"
    assert "triton-1" in made.status["message"], made.status["message"]


def test_weight_goes_when_the_canary_is_warm_nowhere_and_comes_back_when_it_is() -> None:
    made = mid_canary(replicas=1)
    made.agents["triton-0"].drop(2)
    made.operate()
    assert made.routes and made.routes.canary is None
    made.run(5)
    assert made.routes and made.routes.canary_weight == 50


def test_a_replica_added_mid_canary_holds_the_steps_until_it_is_warm() -> None:
    made = mid_canary()
    made.agents["triton-2"] = Agent("triton-2", not_ready_since=made.now, up=False)
    made.run(40)
    assert condition(made, "Ready") == ("Unknown", "AwaitingReplicas")
    assert "triton-2" in made.status["message"]
    made.agents["triton-2"].up = True
    made.run_until("Healthy")
    assert served(made) == [1, 2]


def test_a_replica_that_never_comes_holds_the_steps_for_five_minutes() -> None:
    made = cluster()
    made.agents["triton-2"] = Agent("triton-2", not_ready_since=made.now, up=False)
    release(made).run(100)
    assert made.phase == "Pending"
    made.run(210)
    assert made.phase not in ("Pending", "Healthy")
    made.run_until("Healthy")


def test_a_replica_that_comes_and_goes_is_no_progress() -> None:
    made = cluster(Behaviour(fails="FetchFailed"))
    flapping = made.agents["triton-0"]
    release(made).run(5)
    flapping.failed.clear()
    for _ in range(40):
        flapping.loaded[2] = digest(2)
        flapping.warm.add(2)
        made.run(3)
        flapping.drop(2)
        flapping.failed[digest(2)] = "FetchFailed"
        made.run(3)
    failure = parse_status(made.status).last_failure
    assert failure and failure.reason == "ProgressDeadlineExceeded"


def test_a_rolling_statefulset_holds_the_steps_and_no_clock_runs() -> None:
    made = mid_canary()
    made.rolling = True
    made.run(400)
    assert condition(made, "Ready") == ("Unknown", "RollingUpdate")
    made.rolling = False
    made.run_until("Healthy")


def test_a_healthy_rollout_stays_ready_while_one_replica_restarts() -> None:
    made = cluster(replicas=3)
    made.agents["triton-0"].die()
    made.operate()
    assert (made.phase, condition(made, "Ready")[0]) == ("Healthy", "True")
