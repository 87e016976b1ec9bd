"""A canary that waits at its gate, on a whole cluster, and the load under which parts of it die."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from ci.cluster import chart
from ci.load.load import Load, Result
from ci.stack.folders import ROOT
from ci.stack.http import client
from ci.stack.waiting import wait_until
from tests.harness.release.release import Release

VALUES = ROOT / "tests" / "e2e" / "faults.yaml"
GATE = "clinical-signoff"
BEFORE, AFTER = 100, 200


class GatedCanary:
    """Version 1 is live; once it began, version 2 has half of the traffic and waits for its approval."""

    def __init__(self, release: Release, images: Sequence[bytes]) -> None:
        self.release, self._images = release, images
        release.values.append(VALUES)
        release.install()
        release.wait_for_phase("Healthy", 1)
        for component in ("api", "triton"):
            release.wait_for_pods(component, 2)

    def begin(self) -> None:
        self.release.upgrade(2)
        self.wait()

    def wait(self) -> None:
        """Until it is at the gate with its half of the traffic, and every part of it there and ready.

        The operator says so a moment after the agents: it takes the canary out while a replica is down.
        """
        self.release.wait_for_phase("Paused", 2)
        for component in ("api", "triton", "operator"):
            self.release.wait_for_pods(component, 1 if component == "operator" else 2)
        wait_until(self._is_warm, "both versions are warm", 180, poll_seconds=1)
        wait_until(self._has_its_half, "the canary has its half", 60, poll_seconds=1)

    @contextmanager
    def load(self, folder: Path) -> Iterator[Load]:
        """Through the Service. The body's faults come after its first answers; `finish` is the body's."""
        with self.release.load(self._images, folder, 1, 2) as load:
            load.wait_until_answered(BEFORE)
            yield load

    def finish(self, load: Load) -> Result:
        """Once it is back at the gate, and after some more answers; both versions answered."""
        self.wait()
        load.wait_until_answered(AFTER)
        result = load.finish()
        assert self._has_its_half()
        assert result.by_version().keys() == {1, 2}
        return result

    def approve(self) -> None:
        digest = chart.artifact_settings(self.release.model, 2)["rollout.artifact.digest"]
        whoami = self.release.kubectl("auth", "whoami", "--output", "jsonpath={.status.userInfo.username}")
        approval = {"gate": GATE, "version": "2", "digest": digest, "by": whoami}
        self.release.upgrade(2, {f"rollout.approvals[0].{name}": value for name, value in approval.items()})
        self.release.wait_for_phase("Healthy", 2)

    def _has_its_half(self) -> bool:
        return bool((self.release.rollout().get("canary") or {}).get("weight") == 50)

    def _is_warm(self) -> bool:
        return all(warm(pod) == {1, 2} for pod in self.release.pods("triton"))


def warm(pod: dict[str, Any]) -> set[int]:
    """Versions, by its agent's word; none while it cannot be asked."""
    try:
        state = client.get(f"http://{pod['status']['podIP']}:8080/state", timeout=5).raise_for_status().json()
    except (httpx.HTTPError, KeyError):
        return set()
    return {one["version"] for one in state["versions"] if one["state"] == "Warm"}
