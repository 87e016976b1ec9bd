"""What is done to the local cluster's node from outside; other clusters have no such hands."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ci.cluster import components, places, runtime
from ci.cluster.nodes import FIRST, Node
from ci.stack.waiting import wait_until
from tests.harness.release.release import NAME, Json, Release, is_ready, run

needs_the_local_cluster = pytest.mark.skipif(
    os.environ.get("KUBECONFIG") != str(places.KUBECONFIG), reason="done to the processes of make cluster's own cluster"
)


def kill(release: Release, component: str, name: str) -> None:
    """SIGKILL to a container of the first pod, behind the kubelet's back; returns when it runs again and is Ready."""
    pod = release.pods(component)[0]
    before = container(pod, name)

    def is_back() -> bool:
        now = release.get("pod", pod["metadata"]["name"])
        return bool(container(now, name)["restartCount"] > before["restartCount"] and is_ready(now))

    runtime.kill_container(FIRST, before["containerID"].removeprefix("containerd://"))
    wait_until(is_back, f"{name} of {pod['metadata']['name']} runs again", 180, poll_seconds=0.5)


@contextmanager
def second() -> Iterator[None]:
    """There is another node, until this is left."""
    do = (sys.executable, "-m", "ci.cluster")  # by processes that end: the node outlives them, and is no test's child
    try:
        run(*do, "add-node", timeout_seconds=300)
        yield
    finally:
        run(*do, "remove-node")


def drain(release: Release, node: Node, timeout_seconds: int) -> None:
    """Raises AssertionError with what `kubectl drain` said when it gives up. The node takes pods again afterwards."""
    ours = f"--pod-selector=app.kubernetes.io/instance={NAME}"
    limit = f"--timeout={timeout_seconds}s"
    try:
        run("kubectl", "drain", node.name, ours, "--delete-emptydir-data", limit, timeout_seconds=timeout_seconds + 60)
    finally:
        run("kubectl", "uncordon", node.name)


@contextmanager
def without_api_server() -> Iterator[None]:
    """It is killed, and answers again when this is left; its data is etcd's."""
    components.api_server().kill()
    try:
        yield
    finally:
        # By a process that ends: the API server outlives the tests, whose child it must not be.
        run(sys.executable, "-c", "from ci.cluster import components; components.api_server().start()")
        wait_until(is_api_server_ready, "the API server answers again", 60, poll_seconds=0.5)


def is_api_server_ready() -> bool:
    return run("kubectl", "get", "--raw", "/readyz", check=False) == "ok"


def container(pod: Json, name: str) -> Json:
    """Its status, be it a sidecar or not."""
    status = pod["status"]
    statuses: list[Json] = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    return next(one for one in statuses if one["name"] == name)
