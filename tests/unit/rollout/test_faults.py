"""Parts die, hang, vanish and come back, and what is published is lost or replaced, while a rollout is under way."""

from dataclasses import replace

import pytest
from rollout_operator.decide import replicas as replica_rules
from rollout_operator.decide.step_totals import step_counters
from rollout_operator.documents.status import parse_status
from rollout_operator.documents.step_kinds import PauseStep, Step

from tests.unit.rollout.scenario import cluster, condition, release, served
from tests.unit.rollout.simulator import Agent, Api, Behaviour, Cluster
from tests.unit.rollout.specs import digest, spec

STEPS = (Step(set_weight=50), Step(pause=PauseStep(30)), Step(set_weight=100))


def mid_canary(replicas: int = 2) -> Cluster:
    """In a pause at 50 %."""
    made = release(cluster(replicas=replicas))
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, steps=STEPS))
    made.run(14)
    assert made.routes and made.routes.canary_weight == 50
    return made


def routed(made: Cluster, name: str) -> tuple[int, ...] | None:
    replica = made.routes.replica(name) if made.routes else None
    return replica.versions if replica else None


@pytest.mark.parametrize("crash", [0, 1, 2, 3], ids=["before-writing", "after-one", "after-two", "after-all"])
@pytest.mark.parametrize("tick", range(30))
def test_the_operator_dies_at_any_tick_between_any_writes(tick: int, crash: int) -> None:
    made = release(cluster()).run(tick)
    made.tick(crash=crash)
    made.run_until("Healthy")
    assert made.status["stable"]["version"] == 2


@pytest.mark.parametrize("tick", range(0, 40, 3))
def test_an_emptied_status_is_built_again_from_what_is_served(tick: int) -> None:
    made = release(cluster()).run(tick)
    served_before = made.routes and made.routes.stable.version
    made.status = {}
    made.tick()
    assert made.status["stable"]["version"] == served_before
    assert "Adopted" in made.reasons
    made.run_until("Healthy")
    assert made.status["stable"]["version"] == 2


@pytest.mark.parametrize("crash", [1, 2], ids=["nothing-published", "plan-without-routes"])
def test_a_promotion_of_which_only_a_part_was_written_loads_nothing_again(crash: int) -> None:
    made = mid_canary()
    while made.operator_up:
        before = made.plan_text, made.routes_text, made.status
        made.tick()
        if made.reasons[-1] == "Promoted":
            break
    made.plan_text, made.routes_text, made.status = before
    made.readings = {}
    made.operate(crash=crash)
    made.status = {}
    for _ in range(60):
        made.tick()
        assert served(made) == [1, 2]
        if made.phase == "Healthy":
            break
    assert made.status["stable"]["version"] == 2


def test_adopting_a_healthy_rollout_changes_nothing_that_is_published() -> None:
    made = cluster()
    before = made.plan_text, made.routes_text
    made.status = {}
    made.run(5)
    assert (made.plan_text, made.routes_text, made.phase) == (*before, "Healthy")


def test_an_old_status_does_not_undo_a_promotion() -> None:
    made = release(cluster()).run(8)
    old = made.status
    made.run_until("Healthy")
    made.status = old
    made.tick()
    assert made.status["stable"]["version"] == 2
    assert made.routes and (made.routes.stable.version, made.routes.stable.weight) == (2, 100)


def test_an_old_status_does_not_give_a_refused_canary_its_weight_back() -> None:
    made = mid_canary()
    old = made.status
    made.behaviours[digest(2)] = Behaviour(error_share=0.5)
    made.run_until("RolledBack")
    made.status = old
    made.tick()
    assert made.routes and made.routes.canary is None


@pytest.mark.parametrize("lost", ["plan", "routes", "both", "everything"])
def test_lost_documents_are_written_again(lost: str) -> None:
    made = mid_canary()
    if lost != "routes":
        made.plan_text = ""
    if lost != "plan":
        made.routes_text = ""
    if lost == "everything":
        made.status = {}
    made.tick()
    assert made.plan and made.routes and made.routes.stable.version == 1
    made.run_until("Healthy")
    assert made.status["stable"]["version"] == 2


def test_with_everything_lost_and_agents_silent_it_waits_for_them_instead_of_installing() -> None:
    """Otherwise the wanted version would push the one that serves out of every replica."""
    made = cluster()
    for agent in made.agents.values():
        agent.up = False
    made.status, made.plan_text, made.routes_text, made.spec = {}, "", "", spec(2)
    made.run(20)
    assert (made.plan, condition(made, "Ready")) == (None, ("Unknown", "AwaitingReplicas"))
    for agent in made.agents.values():
        agent.up = True
    made.tick()
    assert made.status["stable"]["version"] == 1
    made.run_until("Healthy")


def test_with_everything_lost_and_disks_empty_it_installs() -> None:
    made = cluster()
    made.agents = {name: Agent(name, uid=1, not_ready_since=made.now) for name in made.agents}
    made.status, made.plan_text, made.routes_text = {}, "", ""
    made.run_until("Healthy")
    assert (made.status["stable"]["version"], served(made)) == (1, [1])


def test_an_old_copy_of_the_documents_is_overwritten_with_a_higher_revision() -> None:
    made = cluster()
    old, newest = (made.plan_text, made.routes_text), 0
    release(made).run_until("Healthy")
    newest = max(agent.plan.revision for agent in made.agents.values() if agent.plan)
    made.plan_text, made.routes_text = old
    made.tick()
    assert made.plan and made.plan.revision > newest
    assert made.routes and made.routes.stable.version == 2


def test_routes_edited_by_hand_are_no_routes() -> None:
    made = cluster()
    made.routes_text = made.routes_text.replace('"weight": 100', '"weight": 90')
    made.tick()
    assert made.routes and made.routes.stable.weight == 100


def test_an_unreachable_agent_keeps_its_replica_in_the_routes() -> None:
    made = mid_canary()
    made.agents["triton-0"].up = False
    made.run(3)
    assert routed(made, "triton-0") == (1, 2)


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


def test_counted_anew_a_bad_canary_is_still_found() -> None:
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


def test_a_healthy_rollout_stays_ready_while_one_replica_restarts() -> None:
    made = cluster(replicas=3)
    made.agents["triton-0"].die()
    made.operate()
    assert (made.phase, condition(made, "Ready")[0]) == ("Healthy", "True")


def test_a_re_created_object_with_another_version_takes_the_ordinary_steps() -> None:
    made = cluster()
    made.status, made.spec = {}, spec(2, generation=1)
    made.run_until("Healthy")
    assert made.reasons.count("StepStarted") == 6
