"""What the platform team asks of every release: refused with the field's name, and what serves is left alone."""

from dataclasses import replace
from typing import Any

import pytest
from rollout_operator.documents.floors import WHO, Floors
from rollout_operator.documents.spec import Golden, Strategy, Warmup
from rollout_operator.documents.step_kinds import GateStep, PauseStep, ShadowStep, Step

from tests.unit.rollout.healthy_cluster import GOOD, cluster, condition, release
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import ANALYSIS, spec

FLOORS = Floors(atol=0.05, min_samples=20, min_agreement=0.9, required_gates=("clinical-signoff",))
GATE, FULL = Step(gate=GateStep("clinical-signoff")), Step(set_weight=100)


def strategy(*steps: Step) -> Strategy:
    return Strategy(steps)


def atol(value: float) -> Warmup:
    return Warmup(golden=Golden(value))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({}, "", id="as-it-shall-be"),
        pytest.param({"warmup": atol(0.05)}, "", id="atol-at-its-floor"),
        pytest.param(
            {"warmup": atol(0.051)},
            "spec.warmup.golden.atol is 0.051, the floor is 0.05: write 0.05 or less",
            id="atol-too-lax",
        ),
        pytest.param(
            {"analysis": replace(ANALYSIS, min_samples=19)},
            "spec.analysis.minSamples is 19, the floor is 20: write 20 or more",
            id="too-few-samples",
        ),
        pytest.param(
            {"analysis": replace(ANALYSIS, min_agreement=0.5)},
            "spec.analysis.minAgreement is 0.5, the floor is 0.9: write 0.9 or more",
            id="too-little-agreement",
        ),
        pytest.param(
            {"strategy": strategy(GATE, Step(shadow=ShadowStep(50, 5)), FULL)},
            "spec.strategy.steps[1].shadow.minSamples is 5, the floor is 20: write 20 or more",
            id="too-few-copies",
        ),
        pytest.param({"strategy": strategy(FULL)}, "has no gate clinical-signoff", id="no-gate"),
        pytest.param(
            {"strategy": strategy(Step(gate=GateStep("other")), FULL)}, "has no gate clinical-signoff", id="other-gate"
        ),
        pytest.param(
            {"strategy": strategy(Step(set_weight=99), GATE, FULL)},
            "has no gate clinical-signoff before its first setWeight",
            id="gate-after-the-traffic",
        ),
        pytest.param({"strategy": strategy(GATE, Step(pause=PauseStep(0)), FULL)}, "", id="gate-before-the-traffic"),
    ],
)
def test_refusals(changes: dict[str, Any], words: str) -> None:
    refusals = FLOORS.refusals(spec(2, **changes))
    assert [words in one for one in refusals] == [True] * bool(words)
    assert Floors().refusals(spec(2, **changes)) == ()


def floored(made: Cluster) -> Cluster:
    made.floors = FLOORS
    return made


def test_a_version_below_a_floor_is_never_loaded() -> None:
    made = release(floored(cluster()), warmup=atol(1.0)).run(20)
    assert condition(made, "Ready") == ("False", "BelowFloor") and condition(made, "Available")[0] == "True"
    assert made.status["message"].startswith("v2 is not released: spec.warmup.golden.atol is 1, the floor is 0.05")
    assert made.status["message"].endswith(WHO)
    assert {version for agent in made.agents.values() for version in agent.loaded} == {1}
    made.edit(warmup=Warmup())
    assert made.run_until("Healthy").status["stable"]["version"] == 2


def test_an_edit_during_a_release_takes_the_traffic_away_and_proves_nothing_with_a_laxer_atol() -> None:
    made = floored(release(cluster()))
    made.run_until("Progressing")
    made.edit(warmup=atol(1.0))
    made.run(5)
    assert (made.phase, made.routes and made.routes.canary_weight) == ("Blocked", 0)
    assert made.plan and made.plan.warmup.golden.atol == 0.05
    made.edit(warmup=Warmup())
    assert made.run_until("Healthy").status["stable"]["version"] == 2


def test_no_more_replicas_load_it_after_such_an_edit() -> None:
    made = release(floored(cluster(replicas=3)))
    while not (made.plan and made.plan.canary and made.plan.canary.replicas):
        made.tick()
    made.edit(strategy=strategy(FULL))
    before = made.plan.canary.replicas
    made.run(20)
    assert made.plan.canary and made.plan.canary.replicas == before


def test_what_serves_and_the_way_back_are_not_judged() -> None:
    """The floors came after both versions."""
    made = release(cluster()).run_until("Healthy")
    floors = replace(FLOORS, min_samples=10_000)
    made.floors = floors
    made.run(5)
    assert made.phase == "Healthy"
    release(made, 1).run(5)
    assert (made.phase, made.status["stable"]["version"]) == ("Healthy", 1)


def test_a_first_install_below_a_floor_is_not_begun() -> None:
    made = floored(Cluster(spec(1, warmup=atol(1.0)), GOOD))
    made.run(20)
    assert (made.phase, condition(made, "Ready")[1]) == ("Blocked", "BelowFloor")
    assert not any(agent.loaded for agent in made.agents.values())
    made.edit(warmup=Warmup())
    made.run_until("Healthy")
