"""A release while Kubernetes' own autoscaler changes the number of replicas under load, with no failed request."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.stack.cluster_objects import TRITON
from ci.stack.component import controllers
from ci.stack.waiting import wait_until
from tests.harness.rollout.autoscaler import Autoscaler
from tests.harness.rollout.metrics_adapter import MetricsAdapter
from tests.harness.rollout.proofs import answered_by, unproved
from tests.harness.rollout.rollouts import GATE, RolloutStack
from tests.harness.rollout.stateful_pods import StatefulPods

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

STEPS = [{"setWeight": 50}, {"gate": {"name": GATE}}, {"setWeight": 100}]
FEW_SAMPLES = {"minSamples": 10}
# At 2/s a replica has some hundredths of an image in work, and some tenths on a busy machine; in the crowd far more.
QUIET, CROWD = 2, 50
IMAGES_PER_REPLICA = 0.12
LOOKS = 10
NEW = f"{TRITON}-2"


@pytest.fixture
def adapter(stack: RolloutStack, tmp_path: Path) -> Iterator[MetricsAdapter]:
    client = stack.namespace.client

    def inner_urls() -> list[str]:
        return [api.inner_url for api in stack.apis.values()]

    with MetricsAdapter("127.0.60.250", stack.namespace.name, tmp_path, inner_urls) as adapter:
        adapter.register(client)
        yield adapter
        adapter.unregister(client)


@pytest.fixture
def pods(stack: RolloutStack) -> Iterator[StatefulPods]:
    """Version 1 is live on two replicas, which the real controller of StatefulSets made."""
    with controllers(stack.namespace.cluster.plane), StatefulPods(stack) as pods:
        stack.start(tritons=0, version=None)
        stack.namespace.scale(TRITON, 2)
        stack.apply(1)
        stack.wait_for_ready(1)
        for api in stack.apis.values():
            api.wait_until_serving()
        yield pods


def floor(stack: RolloutStack) -> int | None:
    return (stack.namespace.routes() or {}).get("replicaFloor")


def wait_for_both_on_the_new_one(stack: RolloutStack) -> None:
    def is_there() -> bool:
        routed = {one["name"]: one["versions"] for one in (stack.namespace.routes() or {}).get("replicas", ())}
        return routed.get(NEW) == [1, 2]

    wait_until(is_there, f"{NEW} serves stable and the canary", 120)


def images_told(adapter: MetricsAdapter) -> list[float]:
    """What the autoscaler was told, each time that it looked."""
    return [value for metric, value in adapter.told if metric == "medinfer_images"]


def wait_for_looks(adapter: MetricsAdapter) -> list[float]:
    """What it was told meanwhile."""
    before = len(images_told(adapter))
    wait_until(lambda: len(images_told(adapter)) >= before + LOOKS, f"the autoscaler looked {LOOKS} times", 120)
    return images_told(adapter)[before:]


def test_the_replicas_of_a_release_stay(
    stack: RolloutStack, pods: StatefulPods, adapter: MetricsAdapter, images: list[bytes]
) -> None:
    expected = stack.expected(images, 1, 2)
    with stack.load(images, expected, rate_per_second=QUIET) as quiet:
        quiet.wait_until_answered(30)
        scaler = Autoscaler(
            stack.namespace, stack.folder, minReplicas=2, maxReplicas=3, imagesPerReplica=IMAGES_PER_REPLICA
        )
        wait_for_looks(adapter)
        assert (scaler.replicas(), floor(stack)) == (2, None)

        stack.apply(2, approve=False, steps=STEPS, analysis=FEW_SAMPLES)
        stack.wait_for_phase("Paused")
        assert floor(stack) == 2
        with stack.load(images, expected, rate_per_second=CROWD) as crowd:
            scaler.wait_for_replicas(3)
            wait_for_both_on_the_new_one(stack)
            crowd.wait_until_answered(300)
            first = crowd.finish(at_least=300)
        print(f"crowd mid-canary: {first}")

        scaler.set_min(1)
        scaler.wait_for_replicas(2)
        wait_until(lambda: images_told(adapter)[-1] < IMAGES_PER_REPLICA, "the crowd is forgotten", 120)
        told = wait_for_looks(adapter)
        assert max(told) < IMAGES_PER_REPLICA, f"by the images alone one replica would be left: {told}"
        assert (scaler.replicas(), floor(stack)) == (2, 2), "the floor holds the replicas that are being proved"

        scaler.set_min(2)
        with stack.load(images, expected, rate_per_second=CROWD) as crowd:
            scaler.wait_for_replicas(3)
            stack.apply(2, steps=STEPS, analysis=FEW_SAMPLES)
            stack.wait_for_ready(2)
            second = crowd.finish(at_least=100)
        print(f"crowd at the promotion: {second}")
        wait_until(lambda: floor(stack) is None, "the floor is gone after the release", 60)
        scaler.wait_for_replicas(2)
        wait_until(lambda: pods.names() == {f"{TRITON}-0", f"{TRITON}-1"}, "two pods are left", 60)

        scaler.set_min(1)
        scaler.wait_for_replicas(1)  # so nothing but the floor had held the second one
        wait_until(lambda: pods.names() == {f"{TRITON}-0"}, "one pod is left", 60)
        result = quiet.finish(at_least=200)
    print(f"all the time: {result}")
    assert (first.failed, second.failed, result.failed) == (0, 0, 0), (first, second, result)
    count, wrong = unproved(stack)
    assert count > 500 and wrong == [], "each version had proved itself on each replica before its first request there"
    assert answered_by(stack, NEW) > 0
