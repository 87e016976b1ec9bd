"""What dies, is replaced or moved in the middle of a canary, by a real kubelet and real controllers: nothing fails.

One canary for all: each test finds it at its gate and leaves it there, the last one approves it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.cluster.nodes import FIRST, SECOND
from tests.harness.release import node
from tests.harness.release.eviction import evict_all
from tests.harness.release.gate import GatedCanary
from tests.harness.release.release import API, ROLLOUT, Json, Release

pytestmark = [pytest.mark.soak, pytest.mark.timeout(900)]

TRITON, OPERATOR = "medinfer-triton", "medinfer-rollout-operator"
COMPONENTS = ("api", "triton", "operator")
PLAN, ROUTES = f"{TRITON}-plan", f"{API}-routes"


@pytest.fixture(scope="module")
def canary(bundles: None, images: list[bytes]) -> Iterator[GatedCanary]:
    release = Release("e2e-faults")
    try:
        canary = GatedCanary(release, images)
        canary.begin()
        yield canary
    finally:
        release.remove()


def test_the_same_values_again_change_nothing(canary: GatedCanary, tmp_path: Path) -> None:
    with canary.load(tmp_path) as load:
        before = everything(canary.release)
        canary.release.upgrade(2)
        result = canary.finish(load)
        assert everything(canary.release) == before
    assert result.failed == 0, result


@node.needs_the_local_cluster
@pytest.mark.parametrize("component, container", [("triton", "triton"), ("triton", "agent"), ("operator", "operator")])
def test_a_container_is_killed(canary: GatedCanary, tmp_path: Path, component: str, container: str) -> None:
    with canary.load(tmp_path) as load:
        node.kill(canary.release, component, container)
        result = canary.finish(load)
    assert result.failed == 0, result


@node.needs_the_local_cluster
def test_an_api_container_is_killed(canary: GatedCanary, tmp_path: Path) -> None:
    """What it had in flight, or was sent before it was back, sees its connection end; nothing else does."""
    with canary.load(tmp_path) as load:
        load.mark("killed")
        node.kill(canary.release, "api", "api")
        load.mark("back")
        result = canary.finish(load)
    broken = [answer for answer in result.answers if answer.failure]
    assert result.failed == len(broken), "every request got an answer, or saw its connection end"
    for answer in broken:
        assert answer.failure.startswith("no answer"), answer
        assert answer.sent_ms + answer.latency_ms >= result.marks["killed"], answer
        assert answer.sent_ms <= result.marks["back"], answer


@node.needs_the_local_cluster
def test_the_api_server_is_away(canary: GatedCanary, tmp_path: Path) -> None:
    with canary.load(tmp_path) as load:
        with node.without_api_server():
            load.last(30)
        load.last(60)  # by then everybody has found it again
        result = canary.finish(load)
    assert result.failed == 0, result


@pytest.mark.parametrize("component", ["api", "triton"])
def test_evictions_wait_for_the_budget(canary: GatedCanary, tmp_path: Path, component: str) -> None:
    with canary.load(tmp_path) as load:
        assert evict_all(canary.release, component) > 0, "the budget held one of two back"
        result = canary.finish(load)
    assert result.failed == 0, result


@node.needs_the_local_cluster
def test_a_drain_stops_at_the_budgets(canary: GatedCanary, tmp_path: Path) -> None:
    """One of each is evicted at once; the others stay until those are back, which they are not while it lasts."""
    with canary.load(tmp_path) as load:
        with pytest.raises(AssertionError) as stopped:
            node.drain(canary.release, FIRST, timeout_seconds=40)
        for component in ("api", "triton"):
            assert f'error when evicting pods/"medinfer-{component}' in str(stopped.value)
        result = canary.finish(load)
    assert result.failed == 0, result


@node.needs_the_local_cluster
def test_drains_move_everything_to_another_node_and_back(canary: GatedCanary, tmp_path: Path) -> None:
    with node.second(), canary.load(tmp_path) as load:
        for emptied, filled in ((FIRST, SECOND), (SECOND, FIRST)):
            node.drain(canary.release, emptied, timeout_seconds=240)
            canary.wait()
            assert {pod["spec"]["nodeName"] for pod in everybody(canary.release)} == {filled.name}
        result = canary.finish(load)
    assert result.failed == 0, result


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_pod_is_deleted(canary: GatedCanary, tmp_path: Path, component: str) -> None:
    with canary.load(tmp_path) as load:
        canary.release.kubectl("delete", "pod", canary.release.pods(component)[0]["metadata"]["name"])
        result = canary.finish(load)
    assert result.failed == 0, result


@pytest.mark.parametrize("workload", [f"deployment/{API}", f"deployment/{OPERATOR}", f"statefulset/{TRITON}"])
def test_a_rolling_restart(canary: GatedCanary, tmp_path: Path, workload: str) -> None:
    with canary.load(tmp_path) as load:
        canary.release.kubectl("rollout", "restart", workload)
        canary.release.kubectl("rollout", "status", workload, "--timeout=180s")
        result = canary.finish(load)
    assert result.failed == 0, result


def test_after_all_that_it_is_promoted(canary: GatedCanary, tmp_path: Path) -> None:
    with canary.load(tmp_path) as load:
        canary.approve()
        load.mark("promoted")
        load.wait_until_answered(200)
        result = load.finish()
    assert result.failed == 0, result
    assert result.between("promoted").by_version().keys() == {2}


def everybody(release: Release) -> list[Json]:
    """Every pod that is not about to end."""
    return [pod for component in COMPONENTS for pod in release.pods(component)]


def everything(release: Release) -> Json:
    """What a release is made of: what is written in vain, or a pod that is replaced, makes a difference."""
    objects = (("deployment", API), ("statefulset", TRITON), ("modelrollout", ROLLOUT))
    return {
        "generations": [release.get(kind, name)["metadata"]["generation"] for kind, name in objects],
        "pods": sorted(pod["metadata"]["uid"] for pod in everybody(release)),
        "documents": [release.get("configmap", name)["data"] for name in (PLAN, ROUTES)],
    }
