"""The hospital's acceptance set: a version that it refuses gets no traffic, and what serves keeps the set it passed."""

from typing import Any

import pytest
from rollout_operator.documents.floors import Floors
from rollout_operator.documents.release import Acceptance

from tests.unit.rollout.healthy_cluster import cluster, condition, release
from tests.unit.rollout.simulated_agent import Agent, Behaviour
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest

SET = Acceptance("https://store/set.npz", "sha256:" + "a" * 64)
OTHER = Acceptance("https://store/other.npz", "sha256:" + "b" * 64)


def planned(made: Cluster) -> dict[str, Acceptance | None]:
    assert made.plan
    parts: dict[str, Any] = {"stable": made.plan.stable, "canary": made.plan.canary, "previous": made.plan.previous}
    return {role: one.acceptance for role, one in parts.items() if one}


def test_a_version_that_passes_is_promoted_and_the_numbers_are_told() -> None:
    made = release(cluster(), acceptance=SET)
    made.run_until("Verifying")
    made.run(1)
    assert planned(made) == {"stable": None, "canary": SET}
    made.run_until("Healthy")
    assert {one["acceptance"] for one in made.status["replicaStates"]} == {"48/50"}
    assert {one["acceptance"] for one in made.status["history"][-1]["replicas"]} == {"48/50"}
    assert made.status["stable"]["acceptance"] == {"uri": SET.uri, "digest": SET.digest}
    assert planned(made)["stable"] == SET


def test_a_version_that_it_refuses_is_rolled_back_and_quarantined() -> None:
    made = release(cluster(Behaviour(refused_by=SET.digest)), acceptance=SET)
    weights = set()
    for _ in range(40):
        made.tick()
        weights.add(made.routes.canary_weight if made.routes else 0)
    assert (made.phase, weights) == ("RolledBack", {0})
    assert made.status["lastFailure"]["reason"] == "AcceptanceFailed"
    assert made.status["quarantined"][0]["digest"] == digest(2)


def test_an_agent_that_knows_no_acceptance_sets_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one of an older release, which leaves the field of the plan unread."""
    monkeypatch.setattr(Agent, "sets", property(lambda _: {}))
    made = release(cluster(), acceptance=SET).run(60)
    assert made.phase == "Warming" and made.routes and made.routes.canary is None


def test_an_edit_of_the_set_alone_counts_for_the_next_version() -> None:
    made = release(cluster(), acceptance=SET).run_until("Healthy")
    made.edit(acceptance=OTHER)
    made.run(5)
    assert (made.phase, planned(made)["stable"]) == ("Healthy", SET)
    release(made, 3, acceptance=OTHER).run(5)
    assert planned(made)["stable"] == SET and planned(made)["canary"] == OTHER


def test_the_set_may_move() -> None:
    made = release(cluster(), acceptance=SET).run_until("Healthy")
    moved = Acceptance("https://elsewhere/set.npz", SET.digest)
    made.edit(acceptance=moved)
    made.run(5)
    assert planned(made)["stable"] == moved


def test_another_set_during_a_release_takes_the_traffic_away_until_it_is_proved_again() -> None:
    made = release(cluster(Behaviour(refused_by=OTHER.digest)), acceptance=SET).run_until("Progressing")
    made.edit(acceptance=OTHER)
    made.run(1)
    made.run_until("RolledBack")
    assert made.status["lastFailure"]["reason"] == "AcceptanceFailed"


def test_the_way_back_asks_for_no_proof_anew() -> None:
    """Version 1 was promoted before there was a set; its first replica that serves is asked for nothing."""
    made = release(cluster(), acceptance=SET).run_until("Healthy")
    release(made, 1, acceptance=OTHER).run(5)
    assert (made.phase, made.status["stable"]["version"], planned(made)["stable"]) == ("Healthy", 1, None)


@pytest.mark.parametrize("lost", ["status", "status and plan"])
def test_what_serves_keeps_its_set_when_documents_are_lost(lost: str) -> None:
    made = release(cluster(), acceptance=SET).run_until("Healthy")
    made.edit(acceptance=OTHER)
    made.run(3)
    made.status = {}
    if lost == "status and plan":
        made.plan_text = ""
    made.run(10)
    assert planned(made)["stable"] == SET


@pytest.mark.parametrize(
    ("acceptance", "words"),
    [
        pytest.param(SET, "", id="the-hospital's"),
        pytest.param(OTHER, "spec.acceptance.digest is sha256:bbbbbbbbbbbb", id="one-of-the-releaser's-own"),
        pytest.param(None, "spec.acceptance.digest is missing", id="none"),
    ],
)
def test_the_floor_names_the_sets_that_count(acceptance: Acceptance | None, words: str) -> None:
    made = cluster()
    made.floors = Floors(acceptance_digests=(SET.digest,))
    release(made, acceptance=acceptance).run(10)
    assert (condition(made, "Ready")[1] == "BelowFloor") is bool(words)
    assert words in made.status["message"]
