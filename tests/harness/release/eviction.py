"""Pods evicted through the Eviction API, as `kubectl drain` does it."""

import json

from ci.stack.waiting import wait_until
from tests.harness.release.release import Release, run


def evict_all(release: Release, component: str) -> int:
    """Each is tried until it is let go and as many others are Ready; returns how often a budget said no."""
    names = {pod["metadata"]["uid"]: pod["metadata"]["name"] for pod in release.pods(component)}
    refused = 0

    def one_round() -> bool:
        nonlocal refused
        there = {pod["metadata"]["uid"] for pod in release.pods(component)} & names.keys()
        refused += sum(not evict(release, names[uid]) for uid in there)
        return not there and release.ready_pods(component) >= len(names)

    wait_until(one_round, f"all {component} pods were evicted and others are Ready", 240, poll_seconds=2)
    return refused


def evict(release: Release, name: str) -> bool:
    """Whether it was let go; False: its budget said no."""
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": release.namespace}}
    path = f"/api/v1/namespaces/{release.namespace}/pods/{name}/eviction"
    try:
        run("kubectl", "create", "--raw", path, "-f", "-", text=json.dumps(body))
    except AssertionError as error:
        assert "disruption budget" in str(error), error
        return False
    return True
