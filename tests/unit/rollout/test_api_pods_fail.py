"""API pods die, hang, suspend the canary and come back, while a rollout is under way."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from rollout_operator.decide.step_totals import step_counters
from rollout_operator.documents.container_end import ContainerEnd
from rollout_operator.documents.status import parse_status

from tests.unit.rollout.healthy_cluster import condition, release, served
from tests.unit.rollout.mid_canary import mid_canary
from tests.unit.rollout.simulated_agent import Agent
from tests.unit.rollout.simulated_api import Api
from tests.unit.rollout.specs import digest


def test_a_suspended_canary_gets_nothing_until_every_api_pod_has_let_go_of_it() -> None:
    made = mid_canary()
    made.apis["api-0"].suspend()
    made.operate()
    assert made.routes and made.routes.canary is None
    assert made.reasons[-1] == "CanarySuspended"
    made.lag = 1.0
    made.run(5)
    assert made.routes and made.routes.canary is None
    assert "api-0" in made.status["message"], made.status["message"]
    made.lag = 0.0
    made.run(3)
    assert made.routes and made.routes.canary_weight == 50
    assert made.status["attempt"]["suspensions"] == 1
    made.run_until("Healthy")
    assert made.status["history"][-1]["suspensions"] == 1


def test_a_canary_suspended_twice_is_rolled_back() -> None:
    """However few of its requests failed: it may take a Triton with it once in a thousand."""
    made = mid_canary()
    for _ in range(2):
        made.apis["api-1"].suspend()
        made.run(4)
    made.run_until("RolledBack")
    failure = made.status["lastFailure"]
    assert failure["reason"] == "AnalysisFailed"
    assert "api-1 suspended v2: a connection broke while the canary answered, for the second time" in failure["message"]
    assert [one["digest"] for one in made.status["quarantined"]] == [digest(2)]


@pytest.mark.parametrize(
    ("lose", "phase", "counted"),
    [
        pytest.param(lambda one: one.die(ContainerEnd.KILLED), "Healthy", 0, id="killed-from-outside"),
        pytest.param(lambda one: one.replace_pod(), "Healthy", 0, id="deleted-drained-or-evicted"),
        pytest.param(lambda one: one.die(ContainerEnd.OTHER), "RolledBack", 2, id="crashed-or-out-of-memory"),
        pytest.param(lambda one: None, "RolledBack", 2, id="nothing-died"),
    ],
)
def test_losses_that_the_cluster_made_are_not_held_against_the_canary(
    lose: Callable[[Agent], None], phase: str, counted: int
) -> None:
    made = mid_canary()
    for name in ("triton-0", "triton-1", "triton-0"):
        if made.routes and made.routes.canary:
            lose(made.agents[name])
            made.apis["api-1"].suspend()
            made.operate()
            assert made.routes.canary is None
            made.run(8)
    made.run_until(phase)
    assert made.status["history"][-1]["suspensions"] == counted


def test_a_suspension_is_judged_when_the_replica_is_back() -> None:
    """Then its pod shows how the container ended, which it may not yet when the API pod speaks."""
    made = mid_canary()
    made.agents["triton-0"].up = False
    made.apis["api-1"].suspend()
    made.operate()
    assert made.status["attempt"]["suspensions"] == 0
    assert made.status["attempt"]["suspension"]["instances"] == ["triton-0-0/0", "triton-1-0/0"]
    made.agents["triton-0"].die(ContainerEnd.KILLED)
    made.agents["triton-0"].up = True
    made.run(8)
    assert (made.status["attempt"]["suspensions"], made.status["attempt"].get("suspension")) == (0, None)


def test_an_api_pod_that_does_not_follow_is_named_and_given_up_after_five_minutes() -> None:
    made = mid_canary()
    stuck = made.apis["api-0"]
    stuck.up, stuck.not_ready_since = False, made.now
    release(made, 1).run(20)
    assert (made.phase, "api-0 does not answer" in made.status["message"]) == ("RollingBack", True)
    assert served(made) == [1, 2], "it may still address version 2"
    assert made.routes and made.routes.canary is None
    made.run(300)
    assert (made.phase, served(made)) == ("Healthy", [1])


def test_an_api_pod_that_says_what_it_said_before_is_not_believed_to_follow() -> None:
    made = mid_canary()
    made.apis["api-0"].stale = made.apis["api-0"].state()
    release(made, 1).run(20)
    assert (made.phase, served(made)) == ("RollingBack", [1, 2])
    made.apis["api-0"].stale = None
    made.run_until("Healthy")


def test_answers_in_flight_are_awaited() -> None:
    made = mid_canary()
    release(made, 1).tick()
    for api in made.apis.values():
        api.stale = replace(api.state(), id=made.routes.id if made.routes else None, in_flight={"2": 1})
    made.operate()
    assert "still waits for answers from it (1)" in made.status["message"]
    assert served(made) == [1, 2]


def test_counts_of_api_processes_that_vanish_or_restart_are_kept() -> None:
    made = mid_canary()

    def canary_requests() -> int:
        counted = step_counters(parse_status(made.status), made.observe())
        return counted.of(2).requests if counted else 0

    before = canary_requests()
    del made.apis["api-0"]
    made.apis["api-1"].restart()
    made.tick()
    assert before > 0
    assert canary_requests() >= before


def test_no_api_pod_that_answers_is_an_error_and_no_failure() -> None:
    made = mid_canary()
    for api in made.apis.values():
        api.up = False
    made.run(20)
    analysis = parse_status(made.status).analysis
    assert (analysis.last and analysis.last.verdict, analysis.failures) == ("Error", 0)
    assert made.routes and made.routes.canary_weight == 50


def test_a_new_api_pod_is_waited_for() -> None:
    made = mid_canary()
    made.apis["api-9"] = Api("api-9")
    made.lag = 1.0
    made.run(60)
    assert condition(made, "Ready") == ("Unknown", "AwaitingAcknowledgement")
    assert "api-9" in made.status["message"]
