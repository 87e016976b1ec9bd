"""The operator dies, and what it remembers or published is lost, edited or restored, while a rollout is under way."""

import json
from dataclasses import replace

import pytest

from tests.unit.rollout.healthy_cluster import cluster, condition, release, served
from tests.unit.rollout.mid_canary import mid_canary
from tests.unit.rollout.simulated_agent import Agent, Behaviour
from tests.unit.rollout.specs import digest, spec


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


def test_a_re_created_object_with_another_version_takes_the_ordinary_steps() -> None:
    made = cluster()
    made.status, made.spec = {}, spec(2, generation=1)
    made.run_until("Healthy")
    assert made.reasons.count("StepStarted") == 6


@pytest.mark.parametrize("which", ["plan", "routes"])
def test_a_document_from_the_future_is_written_again_under_a_revision_that_is_obeyed(which: str) -> None:
    """Regression guard: with 2^53-1 the next revision was one that API pods and agents refuse."""
    made = cluster()
    assert made.plan and made.routes
    if which == "plan":
        made.plan_text = json.dumps(replace(made.plan, revision=2**53 - 1).document())
    else:
        made.routes_text = json.dumps(replace(made.routes, revision=2**53 - 1).document())
    made.run(3)
    assert made.plan.revision <= made.now + 86_400 and made.routes.revision <= made.now + 86_400
    release(made).run_until("Healthy")
    assert made.status["stable"]["version"] == 2


def test_a_status_that_remembers_a_revision_from_the_future_is_no_reason_for_another() -> None:
    made = cluster()
    made.status = made.status | {"routesRevision": 2**53 - 1, "planRevision": 2**53 - 1}
    release(made).run_until("Healthy")
    assert made.plan and made.plan.revision <= made.now + 86_400
    assert made.routes and made.routes.revision <= made.now + 86_400


def test_the_salt_is_random_the_same_within_a_try_and_in_no_status() -> None:
    """Regression guard: it was the canary's digest, which every answer tells, so a client could choose its version."""
    made = release(cluster())
    salts: set[str] = set()
    for _ in range(200):
        made.tick()
        assert made.routes
        if made.routes.canary:
            salts.add(made.routes.assignment.salt)
        assert made.routes.assignment.salt not in json.dumps(made.status)
        if made.phase == "Healthy":
            break
    (salt,) = salts
    assert salt.partition(".")[2] and digest(2) != salt
