"""A version released by one line of YAML, under load, with no failed request."""

import pytest

from tests.harness.rollouts import NAME, RolloutStack
from tests.harness.waiting import wait_until

pytestmark = pytest.mark.integration


def test_a_release_through_shadow_gate_and_weights(stack: RolloutStack, images: list[bytes]) -> None:
    stack.start()
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        load.wait_until_answered(200)
        stack.apply(2, approve=False)
        stack.wait_for_phase("Paused")
        load.mark("paused")
        load.wait_until_answered(100)
        load.mark("approved")
        stack.apply(2)
        stack.wait_for_ready(2)
        load.mark("promoted")
        load.wait_until_answered(200)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between(end="approved").by_version().keys() == {1}, "nobody saw version 2 before it was approved"
    assert result.between("promoted").by_version().keys() == {2}
    tried = stack.status()["history"][-1]
    assert [step["step"] for step in tried["steps"]] == [
        "shadow 100 %",
        "gate clinical-signoff",
        "setWeight 10",
        "setWeight 50",
        "pause 3 s",
    ]
    assert tried["steps"][1]["approvedBy"] == "Dr. Roentgen"
    reasons = stack.namespace.reasons(NAME)
    assert reasons.count("StepStarted") == 5
    assert reasons[-1] == "Healthy"


def _test_every_replica_proved_a_version_before_its_first_request(stack: RolloutStack, images: list[bytes]) -> None:
    stack.start()
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        stack.apply(2)
        first = wait_until(lambda: 2 in routed(stack) and stack.agent_states(2), "version 2 is routed", 120)
        load.finish(at_least=300)
    assert set(first.values()) == {"Warm"}


def routed(stack: RolloutStack) -> set[int]:
    """Versions that requests or copies may reach by the published routes."""
    routes = stack.namespace.routes() or {}
    return {routes[role]["version"] for role in ("stable", "canary") if routes.get(role)}
