"""A version released by one line of YAML, under load, with no failed request and with the chart's policies in force."""

import pytest

from ci.stack.kubernetes import Refused
from tests.harness.core_limits import NONE, core_limits
from tests.harness.rollout.guarded import APPROVER, guard
from tests.harness.rollout.plugin import run
from tests.harness.rollout.proofs import unproved
from tests.harness.rollout.rollouts import GATE, NAME, RolloutStack

pytestmark = pytest.mark.integration


def test_a_release_through_shadow_gate_and_weights(stack: RolloutStack, images: list[bytes]) -> None:
    guard(stack.namespace)
    stack.start()
    ours = [*stack.apis.values(), *stack.operators, *(triton.agent for triton in stack.tritons.values())]
    assert set(core_limits(one.pid for one in ours).values()) == {NONE}, "no crash writes what the process held"
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        load.wait_until_answered(200)
        stack.apply(2, approve=False)
        stack.wait_for_phase("Paused")
        with pytest.raises(Refused, match="Only the rollout operator writes the status"):
            stack.namespace.set_rollout_status(NAME, stack.status() | {"currentStepIndex": 4})
        load.mark("paused")
        load.wait_until_answered(100)
        load.mark("approved")
        approve(stack)
        stack.wait_for_ready(2)
        load.mark("promoted")
        load.wait_until_answered(200)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    count, wrong = unproved(stack)
    assert count > 900 and wrong == [], "each version had proved itself on each replica before its first request there"
    assert result.between(end="approved").by_version().keys() == {1}, "nobody saw version 2 before it was approved"
    assert result.between("promoted").by_version().keys() == {2}
    tried = stack.status()["history"][-1]
    assert [step["step"] for step in tried["steps"]] == [
        {"shadow": {"percent": 100, "minSamples": 60}},
        {"gate": {"name": "clinical-signoff"}},
        {"setWeight": 10},
        {"setWeight": 50},
        {"pause": {"seconds": 3}},
    ]
    assert tried["steps"][1]["approvedBy"] == "Dr. Roentgen"
    reasons = stack.namespace.reasons(NAME)
    assert reasons.count("StepStarted") == 5
    assert reasons[-1] == "Healthy"


def approve(stack: RolloutStack) -> None:
    """By the plug-in, as somebody who may do nothing else: under another name first."""
    for by, ended in (("Prof. Nobody", 2), (APPROVER, 0)):
        done = run(stack.namespace, "approve", NAME, "--gate", GATE, "--by", by, "--apply", user=APPROVER)
        assert done.returncode == ended, done.stderr
        assert not ended or f"Write {APPROVER} into approvals.by" in done.stderr
