"""From nothing to a prediction, as a platform engineer sees it the first time."""

import time
from pathlib import Path

import httpx

from ci.load.answers import expected_answers
from tests.harness.release.release import PortForward, Release, bundle

FIRST_PREDICTION_SECONDS = 60


def test_fresh_install(release: Release, images: list[bytes], tmp_path: Path) -> None:
    release.model = "resnet50"
    began = time.monotonic()
    release.install()
    release.wait_until_answering(images[0])
    seconds = time.monotonic() - began
    print(f"first prediction {seconds:.1f} s after helm install")
    assert seconds <= FIRST_PREDICTION_SECONDS
    release.wait_for_phase("Healthy", 1)
    assert "Succeeded" in release.helm_test()
    expected = expected_answers(bundle("resnet50", 1, tmp_path), images)
    with PortForward(release) as url:
        answers = [httpx.post(f"{url}/predict", files={"image": image}).raise_for_status() for image in images]
    assert [answer.json()["prediction"] for answer in answers] == expected
    assert {answer.headers["X-Model-Version"] for answer in answers} == {"1"}
