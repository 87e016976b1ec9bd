"""Parts that die in the middle of a canary, with the operator there and without it: no request fails."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ci.load.load import Load, Result
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.harness.rollout.proofs import unproved
from tests.harness.rollout.rollouts import GATE, NAME, RolloutStack
from tests.harness.rollout.service import Service

pytestmark = pytest.mark.integration

STEPS = [{"setWeight": 50}, {"gate": {"name": GATE}}, {"setWeight": 100}]
ANALYSIS = {"intervalSeconds": 2, "minSamples": 20}
# Longer than a Lease is believed, and many times the 1.5 s that the operator waits for a pod.
AGENT_DEAD_SECONDS, OUTAGE_SECONDS = 15, 15
CLOSE_IS_SEEN_SECONDS = 1.0
MAX_KILLS, STOPPED_SECONDS = 6, 0.3


@contextmanager
def canary_at_the_gate(stack: RolloutStack, images: list[bytes]) -> Iterator[tuple[Load, Service]]:
    """Under load through a Service, version 2 at 50 % and waiting for its approval."""
    stack.start()
    with (
        Service("127.0.60.240", 8002, stack.endpoints) as service,
        stack.load(images, stack.expected(images, 1, 2), [service.url]) as load,
    ):
        load.wait_until_answered(100)
        stack.apply(2, approve=False, steps=STEPS, analysis=ANALYSIS)
        stack.wait_for_phase("Paused")
        yield load, service


def approve(stack: RolloutStack, load: Load) -> None:
    """Ends the release, and the load: nothing failed, and nobody was answered by what was not proved."""
    stack.apply(2, steps=STEPS, analysis=ANALYSIS)
    stack.wait_for_ready(2)
    load.wait_until_answered(200)
    assert load.finish(at_least=1000).failed == 0
    count, wrong = unproved(stack)
    assert count > 900 and wrong == []


def warm_everywhere(stack: RolloutStack) -> bool:
    """Both versions, on every Triton pod."""
    return all(
        {one["version"] for one in stack.agent_versions(pod) if one["state"] == "Warm"} == {1, 2}
        for pod in stack.tritons.values()
    )


@pytest.mark.parametrize("operator_is_there", [True, False], ids=["operator-there", "operator-down"])
def test_a_triton_and_an_agent_die(stack: RolloutStack, images: list[bytes], operator_is_there: bool) -> None:
    with canary_at_the_gate(stack, images) as (load, _):
        if not operator_is_there:
            stack.operators[0].kill()
        first, second = stack.tritons.values()
        kill_triton(stack, first)
        stack.kubelet.leave_dead(second.name, "agent")
        second.agent.kill()
        load.last(AGENT_DEAD_SECONDS)
        stack.kubelet.revive(second.name, "agent")
        wait_until(lambda: warm_everywhere(stack), "the agent vouches for both versions again", 90)
        if not operator_is_there:
            stack.operators[0].start()
        approve(stack, load)


def test_tritons_killed_from_outside_are_not_held_against_an_innocent_version(
    stack: RolloutStack, images: list[bytes]
) -> None:
    """Each kill breaks connections of the canary, for which API pods suspend it; two of these once rolled it back."""
    with canary_at_the_gate(stack, images) as (load, _):
        stack.kubelet.says_how = True
        first = next(iter(stack.tritons.values()))
        for _ in range(MAX_KILLS):
            os.kill(first.triton.pid, signal.SIGSTOP)
            load.last(STOPPED_SECONDS)  # requests gather there
            kill_triton(stack, first)
            stack.wait_for_weight(50)
            if suspensions(stack) >= 2:
                break
        assert suspensions(stack) >= 2, "the kills did not break what the test is about"
        approve(stack, load)
    (attempt,) = [one for one in stack.status()["history"] if one["release"]["version"] == 2]
    assert (attempt["outcome"], attempt.get("suspensions", 0)) == ("Promoted", 0)


def kill_triton(stack: RolloutStack, pod: Sidecar) -> None:
    """Returns when it is back and has proved both versions."""
    pid = pod.triton.pid
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not warm_everywhere(stack), "its agent knows that Triton is dead")
    wait_until(lambda: pod.triton.pid != pid and warm_everywhere(stack), "both versions are proved anew", 90)


def is_routed(stack: RolloutStack, pod: Sidecar) -> bool:
    routes = stack.namespace.routes() or {}
    return any(one["name"] == pod.name and one["versions"] for one in routes.get("replicas", ()))


def suspensions(stack: RolloutStack) -> int:
    return stack.namespace.reasons(NAME).count("CanarySuspended")


def test_a_replica_is_deleted_and_one_is_added(stack: RolloutStack, images: list[bytes]) -> None:
    """It comes back while the operator is away, and then the other one dies; later both agents, while an API starts."""
    with canary_at_the_gate(stack, images) as (load, _):
        first, second = stack.tritons.values()
        stack.remove(first)
        wait_until(lambda: not is_routed(stack, first), "the routes name no version there")
        load.wait_until_answered(200)
        stack.operators[0].kill()
        stack.bring_back(first)
        wait_until(lambda: warm_everywhere(stack), "it is back", 90)
        kill_triton(stack, second)
        for pod in stack.tritons.values():
            os.kill(pod.agent.pid, signal.SIGKILL)
        added = stack.add_api()
        wait_until(lambda: stack.kubelet.is_endpoint(added.name), "another API pod serves", 60)
        load.wait_until_answered(200)
        assert not is_routed(stack, first)
        stack.operators[0].start()
        stack.scale_tritons(3)
        wait_until(lambda: warm_everywhere(stack), "both versions on three replicas", 120)
        approve(stack, load)


def test_api_pods_are_stopped_killed_and_added(stack: RolloutStack, images: list[bytes]) -> None:
    with canary_at_the_gate(stack, images) as (load, service):
        first, second = stack.apis.values()
        third = stack.add_api()
        wait_until(lambda: stack.kubelet.is_endpoint(third.name), "the third API pod gets requests")
        stack.remove(first)
        load.wait_until_answered(200)
        load.mark("killed")
        os.killpg(second.pid, signal.SIGKILL)
        second.wait(10)
        stack.forget(second)
        load.mark("no endpoint")
        wait_until(lambda: not service.connections_to((second.host, 8002)), "its connections have ended")
        load.last(CLOSE_IS_SEEN_SECONDS)
        load.mark("no connection")
        load.wait_until_answered(200)
        stack.apply(2, steps=STEPS, analysis=ANALYSIS)
        stack.wait_for_ready(2)
        load.wait_until_answered(200)
        result = load.finish(at_least=1000)
    assert_only_the_killed_failed(result)


def assert_only_the_killed_failed(result: Result) -> None:
    """A request in flight in the killed pod saw its connection end, or was sent before a client saw that end."""
    broken = [answer for answer in result.answers if answer.failure]
    assert result.failed == len(broken), "every request got an answer, or saw its connection end"
    for answer in broken:
        last = result.marks["no endpoint" if answer.fresh else "no connection"]
        assert answer.sent_ms + answer.latency_ms >= result.marks["killed"] and answer.sent_ms <= last, answer


def test_the_api_server_is_away_in_a_step_and_in_a_rollback(stack: RolloutStack, images: list[bytes]) -> None:
    plane = stack.namespace.cluster.plane
    with canary_at_the_gate(stack, images) as (load, _):
        plane.kill_api_server()
        load.last(OUTAGE_SECONDS)
        plane.start_api_server()
        stack.apply(1)
        stack.wait_for_weight(0)
        plane.kill_api_server()
        load.last(OUTAGE_SECONDS)
        plane.start_api_server()
        stack.wait_for_ready(1)
        wait_until(lambda: all(stack.loaded(pod) == {1} for pod in stack.tritons.values()), "version 2 is dropped", 60)
        assert load.finish(at_least=1000).failed == 0
