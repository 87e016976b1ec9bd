"""The HPA with the chart's own target and requests, driven by k6 up and down again; no request fails on either way."""

import json
from pathlib import Path

import pytest

from ci.load.answers import expected_answers
from ci.load.k6 import ClosedResult, run_closed
from ci.load.load import Load
from tests.harness.release.release import API, Release, bundle

pytestmark = pytest.mark.timeout(900)

USERS = 100
CROWD_SECONDS, MAX_CROWDS = 30, 4
# Room for three API pods on a node with two cores.
SMALL = {
    "triton.replicaCount": "1",
    "triton.resources.requests.cpu": "600m",
    "api.autoscaling.maxReplicas": "3",
    "api.autoscaling.scaleDownAfterSeconds": "15",
}
# In place of the chart's one pod a minute, for which the test would only wait.
SCALE_DOWN = {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 15}]}


def test_hundred_users_scale_the_api_up_and_down(release: Release, images: list[bytes], tmp_path: Path) -> None:
    release.install(settings=SMALL)
    hurry = json.dumps({"spec": {"behavior": {"scaleDown": SCALE_DOWN}}})
    release.kubectl("patch", "hpa", API, "--type=merge", f"--patch={hurry}")
    release.wait_for_phase("Healthy", 1)
    release.wait_for_pods("api", 1, at_most=1)
    release.wait_until_answering(images[0])
    expected = {1: expected_answers(bundle("tiny", 1, tmp_path), images)}
    with Load([release.url], images, expected, tmp_path / "watch", rate_per_second=5, max_seconds=900) as watch:
        crowds = crowds_until_scaled_up(release, images, tmp_path)
        watch.mark("scaled up")
        release.wait_for_pods("api", 1, at_most=1, timeout_seconds=500)
        watch.mark("scaled down")
        result = watch.finish(at_least=500)
    for one in crowds:
        print(one)
        assert one.failed == 0, one
    assert result.failed == 0, result


def crowds_until_scaled_up(release: Release, images: list[bytes], folder: Path) -> list[ClosedResult]:
    """One crowd after the other until three API pods are Ready, and one more."""

    def crowd() -> ClosedResult:
        return run_closed([release.url], images, folder / "crowd", USERS, seconds=CROWD_SECONDS, fresh=True)

    crowds = [crowd()]
    while release.ready_pods("api") < 3 and len(crowds) < MAX_CROWDS:
        crowds.append(crowd())
    crowds.append(crowd())
    release.wait_for_pods("api", 3, timeout_seconds=30)  # fewer for a moment, if a probe came late in the crowd
    return crowds
