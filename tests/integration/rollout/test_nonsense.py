"""An agent or an API pod that reports nonsense, hangs, or answers slowly: a release waits, and nobody else notices."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ci.stack.cluster_objects import API, TRITON
from ci.stack.kubernetes import Cluster
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.harness.hostile import impostor
from tests.harness.hostile.impostor import Misbehave
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.rollouts import GATE, RolloutStack
from tests.integration.rollout.canary_at_half import QUICK, SHORT, end_promoted

pytestmark = pytest.mark.integration

SUBNET = 81
FRESH = itertools.count(51)
STRANGERS = itertools.count(1)
GATED = [{"setWeight": 50}, {"gate": {"name": GATE}}, {"setWeight": 60}, {"setWeight": 100}]
WAYS = [
    pytest.param(impostor.garbage, id="garbage"),
    pytest.param(impostor.wrong_types, id="wrong-types"),
    pytest.param(impostor.huge, id="10-MiB"),
    pytest.param(impostor.never, id="never"),
    pytest.param(impostor.slow, id="after-5-s"),
    pytest.param(impostor.error, id="status-500"),
]


@pytest.fixture(scope="module")
def stack(cluster: Cluster, bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RolloutStack]:
    """A version is live on two replicas."""
    stack = RolloutStack(Namespace(cluster), bundles, tmp_path_factory.mktemp("nonsense"), subnet=SUBNET)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@contextmanager
def false_agent(stack: RolloutStack, pod: Sidecar, misbehave: Misbehave) -> Iterator[None]:
    """In the place of the agent, until the block ends; then the kubelet starts the agent again."""
    may_restart = stack.kubelet.keep(pod).may_restart
    may_restart.remove("agent")
    pod.agent.kill()
    try:
        with impostor.impostor(pod.address, 8080, misbehave):
            yield
    finally:
        may_restart.add("agent")


@contextmanager
def false_api_pod(stack: RolloutStack, misbehave: Misbehave) -> Iterator[str]:
    """One more pod of the Deployment, by its name; deleted when the block ends."""
    number = next(STRANGERS)
    name, address = f"{API}-stranger-{number}", f"127.0.{SUBNET}.{150 + number}"
    with impostor.impostor(address, 8003, misbehave):
        stack.namespace.pods.add_api(name, address)
        try:
            yield name
        finally:
            stack.namespace.pods.delete(name)


def wait_until_named(stack: RolloutStack, pod: str) -> None:
    """As what the release waits for; one whose answer is late is named in its stead for a moment."""
    wait_until(lambda: pod in stack.status()["message"], f"{pod} is named in status.message", 60)


def begin(stack: RolloutStack) -> tuple[int, int]:
    """(the version that is wanted and live, one that was never tried), whatever the test before left."""
    stable = int(stack.status()["stable"]["version"])
    stack.apply(stable)
    stack.wait_for_ready(stable)
    return stable, stack.make_version(next(FRESH))


@pytest.mark.parametrize("misbehave", WAYS)
def test_a_release_waits_for_who_talks_nonsense(stack: RolloutStack, images: list[bytes], misbehave: Misbehave) -> None:
    pod = stack.tritons[f"{TRITON}-1"]
    stable, version = begin(stack)
    with stack.load(images, stack.expected(images, stable, version)) as load:
        load.wait_until_answered(100)
        with ExitStack() as impostors:
            agent = impostors.enter_context(ExitStack())
            agent.enter_context(false_agent(stack, pod, misbehave))
            stack.apply(version, steps=SHORT, analysis=QUICK)
            wait_until_named(stack, pod.name)
            load.wait_until_answered(100)
            wait_until_named(stack, pod.name)
            assert stack.weight() == 0

            stranger = impostors.enter_context(false_api_pod(stack, misbehave))
            agent.close()
            wait_until_named(stack, stranger)
            load.wait_until_answered(100)
            wait_until_named(stack, stranger)
            assert stack.weight() == 0
            load.mark("gone")
        result = end_promoted(stack, load, version)
    assert result.between(end="gone").by_version().keys() == {stable}


def test_nonsense_mid_canary_takes_no_traffic_away_and_gives_none(stack: RolloutStack, images: list[bytes]) -> None:
    stable, version = begin(stack)
    with stack.load(images, stack.expected(images, stable, version)) as load:
        stack.apply(version, approve=False, steps=GATED, analysis=QUICK)
        stack.wait_for_phase("Paused")
        with (
            false_agent(stack, stack.tritons[f"{TRITON}-1"], impostor.garbage),
            false_api_pod(stack, impostor.never) as stranger,
        ):
            stack.apply(version, steps=GATED, analysis=QUICK)
            wait_until_named(stack, stranger)
            load.mark("held")
            load.wait_until_answered(200)
            load.mark("gone")
            wait_until_named(stack, stranger)
            assert stack.weight() == 50
        stack.wait_for_ready(version)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between("held", "gone").by_version().keys() == {stable, version}
