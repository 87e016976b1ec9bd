"""A gate with firstInstall: true holds the first promotion as well."""

from dataclasses import replace

import pytest
from rollout_operator.documents.spec import Strategy
from rollout_operator.documents.step_kinds import GateStep, Step

from tests.unit.rollout.approvals.signers import APPROVERS, GATE, JANE
from tests.unit.rollout.healthy_cluster import GOOD, condition
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import STEPS, approval, spec

HELD = (STEPS[0], Step(gate=GateStep(GATE, first_install=True)), *STEPS[2:])


def first_install(*, is_held: bool) -> Cluster:
    strategy = Strategy(HELD if is_held else STEPS, progress_deadline_seconds=150)
    return Cluster(spec(1, approvals=(), strategy=strategy, namespace="clinic"), GOOD)


def test_a_first_install_does_not_wait_for_an_ordinary_gate() -> None:
    first_install(is_held=False).run_until("Healthy")


@pytest.mark.parametrize("signed", [False, True])
def test_the_first_promotion_waits_for_as_long_as_it_takes(signed: bool) -> None:
    made = first_install(is_held=True)
    made.approvers = APPROVERS if signed else None
    made.run_until("Paused").run(300)
    assert made.phase == "Paused" and "lastFailure" not in made.status, "the deadline does not run"
    assert condition(made, "Ready") == ("Unknown", "AwaitingApproval")
    assert made.routes is None, "nothing serves yet"
    assert f"warm on 2/2 replicas; gate {GATE} waits for" in made.status["message"]
    made.edit(approvals=(JANE.approves(made.spec, made.now, version=1) if signed else approval(1),))
    made.run_until("Healthy")
    [found] = made.status["history"][-1]["steps"]
    assert found["approvedBy"] == ("jane" if signed else "Dr. Roentgen")
    assert found["approvedKey"].startswith("SHA256:" if signed else "unverified")


def test_steps_of_before_keep_their_hash() -> None:
    """Else an upgrade of the operator would restart the steps of a canary."""
    assert spec(1).steps_hash != replace(spec(1), strategy=Strategy(HELD)).steps_hash
    assert spec(1).steps_hash == "df81267e304ef666"
