"""A version serves a patient only after it proved itself on the very replica that serves it, in this life of Triton."""

import os
import signal

import numpy as np
import onnx
import pytest
from modelctl.demo.faults import HANG_TURNS, SLOW_TURNS
from onnx import numpy_helper

from ci.stack.http import client
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.harness.hostile.repack import repack, take_apart
from tests.harness.rollout.proofs import answered_by, unproved
from tests.harness.rollout.rollouts import RolloutStack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

HANGS, ALWAYS_HANGS, SLOW_TO_PROVE = 9, 14, 22


def test_a_triton_restarts_while_nobody_asks(stack: RolloutStack, images: list[bytes]) -> None:
    """No request tells the API that it was away: the first ones come when the version is loaded, and not proved."""
    make_slow_to_prove(stack)
    stack.start(version=None)
    stack.apply(SLOW_TO_PROVE, warmup={"batchSizes": [1], "maxSeconds": 5})
    stack.wait_for_ready(SLOW_TO_PROVE)
    for api in stack.apis.values():
        api.wait_until_serving()
    for _ in range(20):
        ask(stack, images)
    stack.operators[0].kill()  # which would take it from the routes
    pod = next(iter(stack.tritons.values()))
    os.kill(pod.triton.pid, signal.SIGKILL)
    wait_until(lambda: state(stack, pod) == "Warming", "the version is loaded again", 60, poll_seconds=0.01)

    def warm_after_another_request() -> bool:
        ask(stack, images)
        return state(stack, pod) == "Warm"

    wait_until(warm_after_another_request, "it has proved itself again", 120)
    for _ in range(20):
        ask(stack, images)
    count, wrong = unproved(stack)
    assert count >= 80
    assert wrong == []


def test_a_triton_restarts_its_agent_dies_and_an_api_pod_is_new(stack: RolloutStack, images: list[bytes]) -> None:
    """With the operator away the routes still name the version there, and nobody can tell the new API pod otherwise.

    Regression: it sent a request to a version that was loaded again, and not proved (seed 1 of test_chaos.py).
    """
    make_slow_to_prove(stack)
    stack.start(version=None)
    stack.apply(SLOW_TO_PROVE, warmup={"batchSizes": [1], "maxSeconds": 5})
    stack.wait_for_ready(SLOW_TO_PROVE)
    stack.operators[0].kill()
    pod = next(iter(stack.tritons.values()))
    os.kill(pod.triton.pid, signal.SIGKILL)
    wait_until(lambda: state(stack, pod) == "Warming", "the version is loaded again", 60, poll_seconds=0.01)
    stack.kubelet.leave_dead(pod.name, "agent")
    pod.agent.kill()
    stack.add_api().wait_until_serving()
    for _ in range(20):
        ask(stack, images)
    stack.kubelet.revive(pod.name, "agent")
    wait_until(lambda: state(stack, pod) == "Warm", "it has proved itself again", 120)
    for _ in range(20):
        ask(stack, images)
    count, wrong = unproved(stack)
    assert (count, wrong) == (120, [])
    assert answered_by(stack, pod.name) > 0


def make_slow_to_prove(stack: RolloutStack) -> None:
    """Each batch of marked images, as its golden ones are, takes 300 ms, which is when it must not be asked."""
    parts = take_apart(stack.bundle(HANGS))
    model = onnx.load_from_string(parts.onnx)
    (turns,) = (one for one in model.graph.initializer if (numpy_helper.to_array(one) == HANG_TURNS).all())
    turns.CopyFrom(numpy_helper.from_array(np.array(SLOW_TURNS, np.int64), turns.name))
    golden = take_apart(stack.bundle(ALWAYS_HANGS)).golden
    repack(stack.bundle(HANGS), stack.bundles, version=SLOW_TO_PROVE, onnx=model.SerializeToString(), golden=golden)


def ask(stack: RolloutStack, images: list[bytes]) -> None:
    """Each API pod."""
    for api in stack.apis.values():
        answer = client.post(f"{api.url}/predict", files={"image": images[0]}, timeout=20)
        assert answer.status_code == 200, answer.text


def state(stack: RolloutStack, pod: Sidecar) -> str:
    """Of the only version there."""
    return "".join(one["state"] for one in stack.agent_versions(pod))
