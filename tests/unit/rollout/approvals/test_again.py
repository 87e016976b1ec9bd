"""A version that was promoted before skips the steps only within its keep window, or when it is approved again."""

from typing import Any

import pytest
from rollout_operator.documents.spec import Strategy
from rollout_operator.documents.status import Outcome

from tests.unit.rollout.approvals.signers import APPROVERS, JANE
from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import STEPS, approval, digest

UNGATED = Strategy((STEPS[0], *STEPS[2:]), keep_previous_seconds=60, progress_deadline_seconds=150)


def promoted_twice(**changes: Any) -> Cluster:
    """Version 2 is Healthy, version 1 was."""
    return release(cluster(), **changes).run_until("Healthy")


def took_steps(made: Cluster) -> bool:
    before = len(made.reasons)
    made.run_until("Healthy", 300)
    return "StepStarted" in made.reasons[before:]


@pytest.mark.parametrize(
    ("seconds", "strategy", "approvals", "expected"),
    [
        pytest.param(5, UNGATED, (), False, id="within-the-keep-window"),
        pytest.param(100, UNGATED, (), True, id="after-it"),
        pytest.param(100, None, (approval(1),), False, id="after-it-but-approved"),
    ],
)
def test_the_way_back(seconds: int, strategy: Strategy | None, approvals: Any, expected: bool) -> None:
    made = promoted_twice().run(seconds)
    release(made, 1, approvals=approvals, **({"strategy": strategy} if strategy else {}))
    assert took_steps(made) is expected


def test_a_cold_replica_within_the_keep_window_does_not_cost_the_steps() -> None:
    made = promoted_twice().run(5)
    made.agents["triton-0"].drop(1)
    release(made, 1, approvals=(), strategy=UNGATED)
    assert took_steps(made) is False
    assert [made.status["history"][-1][key] for key in ("outcome", "reason")] == ["Promoted", "Promoted"], "as a canary"


def test_after_the_keep_window_an_old_signature_is_not_enough() -> None:
    made = promoted_twice()
    made.approvers = APPROVERS
    made.run(100)
    release(made, 1, namespace="clinic")
    made.edit(approvals=(JANE.approves(made.spec, made.now - 100, version=1),))
    made.run_until("Paused")
    made.edit(approvals=(JANE.approves(made.spec, made.now, version=1),))
    before = len(made.reasons)
    made.run_until("Healthy")
    assert "StepStarted" not in made.reasons[before:], "a fresh one is"


def test_a_forged_line_in_the_history_skips_nothing() -> None:
    """Experiment X17 of the threat model: a version that was never promoted, called promoted in the status."""
    made = cluster().run(3)
    forged = made.status["history"][-1] | {"release": {"version": 2, "digest": digest(2), "uri": "file:///b.tar"}}
    made.status["history"] = [forged | {"outcome": Outcome.PROMOTED}, *made.status["history"]]
    release(made, approvals=()).run_until("Paused")
    assert "StepStarted" in made.reasons
