"""A version serves a patient only after it proved itself on the very replica that serves it, in this life of Triton."""

import os
import signal

import pytest

from ci.stack.http import client
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.harness.rollout.proofs import unproved
from tests.harness.rollout.rollouts import RolloutStack

pytestmark = [pytest.mark.integration, pytest.mark.timeout(420)]

SLOW = 4  # takes its time to prove itself, which is when it must not be asked


def test_a_triton_restarts_while_nobody_asks(stack: RolloutStack, images: list[bytes]) -> None:
    """No request tells the API that it was away: the first ones come when the version is loaded, and not proved."""
    stack.start(version=None)
    stack.apply(SLOW, warmup={"batchSizes": [1], "maxSeconds": 5})
    stack.wait_for_ready(SLOW)
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


def ask(stack: RolloutStack, images: list[bytes]) -> None:
    """Each API pod."""
    for api in stack.apis.values():
        answer = client.post(f"{api.url}/predict", files={"image": images[0]}, timeout=20)
        assert answer.status_code == 200, answer.text


def state(stack: RolloutStack, pod: Sidecar) -> str:
    """Of the only version there."""
    return "".join(one["state"] for one in stack.agent_versions(pod))
