"""The operator killed at its writes, or frozen while it leads: a release goes on, and no request fails."""

import os
import signal
from collections.abc import Callable

import pytest

from ci.stack.waiting import wait_until
from tests.harness.rollout.rollouts import NAME, RolloutStack
from tests.harness.rollout.write_gate import WriteGate

pytestmark = [pytest.mark.integration, pytest.mark.timeout(800)]

STEPS = [{"shadow": {"percent": 100, "minSamples": 40}}, {"setWeight": 20}, {"setWeight": 50}, {"setWeight": 100}]
ANALYSIS = {"intervalSeconds": 2, "minSamples": 20}
FROZEN_SECONDS = 15  # once another leads, so that both had time to write
TAKEOVER_SECONDS = 45  # a Lease is believed for 10 s


def test_killed_before_and_after_each_write(stack: RolloutStack, images: list[bytes]) -> None:
    stack.start(operators=0, version=None)

    def kill() -> None:
        os.kill(stack.operators[0].pid, signal.SIGKILL)

    with WriteGate(stack.namespace.cluster.plane, "127.0.60.250", kill) as gate:
        stack.add_operator(gate.kubeconfig(stack.namespace.name))
        stack.apply(1)
        restart_until(stack, lambda: stack.is_ready(1))
        first_install = list(gate.kills)
        for api in stack.apis.values():
            api.wait_until_serving()
        with stack.load(images, stack.expected(images, 1, 2)) as load:
            load.wait_until_answered(100)
            stack.apply(2, steps=STEPS, analysis=ANALYSIS)
            restart_until(stack, lambda: stack.is_ready(2))
            load.wait_until_answered(100)
            result = load.finish(at_least=1000)
        stack.operators[0].stop()  # or it connects while the gate closes, and nobody closes that connection
    at_release = gate.kills[len(first_install) :]
    print(f"killed at the first install {len(first_install)} times: {first_install}")
    print(f"killed at the release {len(at_release)} times: {at_release}")
    assert len(at_release) >= 12
    assert result.failed == 0


def restart_until(stack: RolloutStack, is_done: Callable[[], bool]) -> None:
    """As its Deployment does."""
    operator = stack.operators[0]

    def probe() -> bool:
        if not operator.is_running():
            operator.start()
        return is_done()

    wait_until(probe, "the release is done, whatever killed the operator", 300, poll_seconds=0.2)


def test_frozen_as_leader_while_another_takes_over(stack: RolloutStack, images: list[bytes]) -> None:
    stack.start(operators=2)
    leader = wait_until(lambda: stack.leader(), "one of them leads")
    other = next(one for one in stack.operators if one is not leader)
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        load.wait_until_answered(100)
        stack.apply(2, steps=[{"setWeight": 20}, {"setWeight": 50}, {"setWeight": 100}], analysis=ANALYSIS)
        stack.wait_for_weight(20)
        leader.signal(signal.SIGSTOP)
        load.mark("frozen")
        wait_until(lambda: stack.leader() is other, "the other one leads", TAKEOVER_SECONDS)
        load.last(FROZEN_SECONDS)
        leader.signal(signal.SIGCONT)
        stack.wait_for_ready(2)
        load.wait_until_answered(200)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert stack.leader() is other
    assert stack.writers() == {other.name}, "what the frozen one still wanted to write was refused"
    assert "Promoted" in stack.namespace.reasons(NAME)
