"""Versions that must not reach a patient, or not for long: each released under load, with no failed request."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from modelctl.defaults import LABELS
from modelctl.demo import tiny
from modelctl.demo.samples import mark_corner
from modelctl.main import main
from PIL import Image

from ci.load.images import encode_jpeg, grey_pixels
from ci.load.load import Load, Result
from ci.stack.documents import digest_of
from ci.stack.kubernetes import Cluster
from ci.stack.waiting import wait_until
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.rollouts import NAME, RolloutStack

pytestmark = pytest.mark.integration

PERMUTED, SLOW, UNLOADABLE, FAILS, KILLS, WRONG_GOLDEN, KILLS_AT_LOAD, ALWAYS_FAILS = 3, 4, 5, 6, 7, 10, 11, 12
STRAIGHT = [{"setWeight": 50}, {"setWeight": 100}]
HEAVY = {"maxStableSlowdown": 1.3, "maxLatencyRatio": 1000}
QUICK = {"intervalSeconds": 2, "minSamples": 20}
VERDICT_TO_LAST_REQUEST_SECONDS = 2.0


@pytest.fixture(scope="module")
def shared(cluster: Cluster, bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RolloutStack]:
    """Version 1 is live on two replicas."""
    stack = RolloutStack(Namespace(cluster), bundles, tmp_path_factory.mktemp("bad-versions"), subnet=61)
    try:
        stack.start()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def served(shared: RolloutStack) -> RolloutStack:
    """Version 1 is wanted and live, whatever the test before wanted."""
    shared.apply(1)
    shared.wait_for_ready(1)
    return shared


def release(stack: RolloutStack, load: Load, version: int, *phases: str, **changes: Any) -> Result:
    """Applies it, waits for the phase in which it comes to rest, and ends the load some requests later."""
    load.wait_until_answered(150)
    load.mark("applied")
    stack.apply(version, **changes)
    stack.wait_for_phase(*phases)
    load.mark("at rest")
    load.wait_until_answered(150)
    result = load.finish(at_least=1000)
    assert result.failed == 0
    return result


def failure_of(stack: RolloutStack) -> tuple[str, str]:
    """(outcome, reason) of the last failure; the stable version is served, and git's is not live."""
    status = stack.status()
    conditions = {one["type"]: one["status"] for one in status["conditions"]}
    assert conditions.items() >= {"Available": "True", "Ready": "False", "Stalled": "True"}.items()
    assert "Reconciling" not in conditions
    assert status["stable"]["version"] == 1 and status["stable"]["weight"] == 100
    return status["lastFailure"]["outcome"], status["lastFailure"]["reason"]


def test_a_wrong_digest_is_blocked_and_the_corrected_one_is_released(served: RolloutStack, images: list[bytes]) -> None:
    right = served.spec(2)["artifact"]
    wrong = right | {"digest": "sha256:" + "0" * 64}
    with served.load(images, served.expected(images, 1, 2)) as load:
        served.apply(2, artifact=wrong)
        served.wait_for_phase("Blocked")
        assert failure_of(served) == ("Blocked", "DigestMismatch")
        assert all(2 not in served.loaded(pod) for pod in served.tritons.values())
        result = release(served, load, 2, "Healthy", steps=STRAIGHT, analysis=QUICK)
    assert 2 in result.between("at rest").by_version()


def test_a_bundle_that_does_not_load_is_rolled_back_and_the_next_version_succeeds(
    served: RolloutStack, images: list[bytes]
) -> None:
    good = served.make_version(21)
    with served.load(images, served.expected(images, 1, good)) as load:
        served.apply(UNLOADABLE)
        served.wait_for_phase("RolledBack")
        assert failure_of(served) == ("RolledBack", "LoadFailed")
        assert all(pod.is_ready() for pod in served.tritons.values())
        result = release(served, load, good, "Healthy", steps=STRAIGHT, analysis=QUICK)
    assert good in result.between("at rest").by_version()


def test_wrong_golden_answers_are_refused_before_any_traffic(served: RolloutStack, images: list[bytes]) -> None:
    with served.load(images, served.expected(images, 1)) as load:
        result = release(served, load, WRONG_GOLDEN, "RolledBack")
    assert failure_of(served) == ("RolledBack", "GoldenMismatch")
    assert result.by_version().keys() == {1}
    assert [one["version"] for one in served.status()["quarantined"]].count(WRONG_GOLDEN) == 1


@pytest.fixture(scope="module")
def acceptance(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A hospital's set: three images of each class with what is on them."""
    folder = tmp_path_factory.mktemp("hospital")
    lines = ["file,labels"]
    for index, label in enumerate(LABELS):
        for seed in range(3):
            Image.fromarray(tiny.image(index, 100 + seed)).save(folder / f"{index}-{seed}.png")
            lines.append(f"{index}-{seed}.png,{label}")
    (folder / "cases.csv").write_text("\n".join(lines) + "\n")
    out = folder / "acceptance.npz"
    assert main(["golden", str(folder), "--min-right", "0.9", "--out", str(out)]) == 0
    return {"uri": out.as_uri(), "digest": digest_of(out)}


def test_the_hospitals_set_refuses_what_its_own_golden_outputs_let_through(
    served: RolloutStack, images: list[bytes], acceptance: dict[str, str]
) -> None:
    """Without the set, half of the patients get the permuted version's answers: no step compares it with stable."""
    with served.load(images, served.expected(images, 1, 2)) as load:
        served.apply(PERMUTED, steps=STRAIGHT, analysis=QUICK, acceptance=acceptance)
        served.wait_for_phase("RolledBack", "Healthy")
        assert failure_of(served) == ("RolledBack", "AcceptanceFailed")
        assert "0 of 12 answers are right, 90% must be" in served.status()["lastFailure"]["message"]
        result = release(served, load, 2, "Healthy", steps=STRAIGHT, analysis=QUICK, acceptance=acceptance)
    assert PERMUTED not in result.by_version() and 2 in result.between("at rest").by_version()
    assert {one["acceptance"] for one in served.status()["replicaStates"]} == {"12/12"}


def test_a_version_that_fails_on_some_images_costs_no_request(served: RolloutStack, images: list[bytes]) -> None:
    marked = [*images, *(encode_jpeg(mark_corner(grey_pixels(seed))) for seed in range(2))]
    expected = served.expected(marked, 1) | {FAILS: [*served.expected(images, 1)[1], "never", "never"]}
    interval = 10
    with served.load(marked, expected) as load:
        load.wait_until_answered(150)
        served.apply(FAILS, steps=STRAIGHT, analysis={"intervalSeconds": interval, "minSamples": 20})
        served.wait_for_weight(50)
        load.mark("weight 50")
        wait_until(lambda: served.status().get("lastFailure"), "the verdict", 60, poll_seconds=0.05)
        load.mark("verdict")
        served.wait_for_phase("RolledBack")
        load.wait_until_answered(200)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert failure_of(served) == ("RolledBack", "AnalysisFailed")
    late = result.marks["verdict"] + VERDICT_TO_LAST_REQUEST_SECONDS * 1000
    assert not [one for one in result.answers if one.version == FAILS and one.sent_ms > late]
    assert FAILS in result.by_version(), "images that it can answer reached it"
    took = (result.marks["verdict"] - result.marks["weight 50"]) / 1000
    print(f"from weight 50 to the verdict: {took:.1f} s")
    assert took < 3 * interval, "two analysis intervals, and a look to see that one is over"


def test_permuted_labels_are_stopped_in_shadow(served: RolloutStack, images: list[bytes]) -> None:
    with served.load(images, served.expected(images, 1)) as load:
        # The hospital's set may have put these bytes into quarantine.
        result = release(served, load, PERMUTED, "RolledBack", retry="without a set")
    assert failure_of(served) == ("RolledBack", "AnalysisFailed")
    assert result.by_version().keys() == {1}, "no client saw it"
    (step,) = served.status()["history"][-1]["steps"]
    matrix = step["shadow"]["matrix"]
    assert sum(map(sum, matrix)) == step["shadow"]["samples"] > 0
    assert not any(matrix[index][index] for index in range(4)), "it agrees on nothing"


@pytest.mark.parametrize(
    ("limits", "measurement", "rate_per_second", "weight", "answers_before"),
    [
        # An answer of a canary of 300 ms may be too late on a busy machine, so an error: only its latency is judged.
        pytest.param({"maxLatencyRatio": 1.5, "maxErrorRate": 0.5}, "latencyRatio", 20, 5, 0, id="slow"),
        # Compares stable with itself a minute ago: on a machine that others use too, only sometimes the canary's doing.
        pytest.param(HEAVY, "stableSlowdown", 60, 10, 400, id="heavy", marks=pytest.mark.soak),
    ],
)
def test_a_slow_or_heavy_version_is_rolled_back(
    served: RolloutStack,
    images: list[bytes],
    limits: dict[str, float],
    measurement: str,
    rate_per_second: float,
    weight: int,
    answers_before: int,
) -> None:
    steps = [{"setWeight": weight}, {"setWeight": 100}]
    with served.load(images, served.expected(images, 1, SLOW), rate_per_second=rate_per_second) as load:
        load.wait_until_answered(answers_before)
        analysis, warmup = QUICK | limits, {"batchSizes": [1], "maxSeconds": 5}
        release(served, load, SLOW, "RolledBack", steps=steps, analysis=analysis, warmup=warmup, retry=measurement)
    assert failure_of(served) == ("RolledBack", "AnalysisFailed")
    assert measurement in served.status()["lastFailure"]["message"]


def test_a_version_that_kills_triton_at_load_dies_on_one_replica(served: RolloutStack, images: list[bytes]) -> None:
    pids = {name: pod.triton.pid for name, pod in served.tritons.items()}
    with served.load(images, served.expected(images, 1)) as load:
        release(served, load, KILLS_AT_LOAD, "RolledBack")
    assert failure_of(served) == ("RolledBack", "TritonDied")
    died = [name for name, pod in served.tritons.items() if pod.triton.pid != pids[name]]
    assert died == ["medinfer-triton-0"]


def test_a_version_that_kills_triton_on_one_image_dies_on_one_replica(
    served: RolloutStack, images: list[bytes]
) -> None:
    mixed = [*images, encode_jpeg(mark_corner(grey_pixels(0)))]
    expected = served.expected(mixed, 1) | {KILLS: [*served.expected(images, 1)[1], "never"]}
    pids = {name: pod.triton.pid for name, pod in served.tritons.items()}
    with served.load(mixed, expected) as load:
        release(served, load, KILLS, "RolledBack", steps=STRAIGHT, analysis=QUICK)
    died = [name for name, pod in served.tritons.items() if pod.triton.pid != pids[name]]
    print(f"Tritons that died: {died}, reasons {served.namespace.reasons(NAME)[-6:]}")
    assert len(died) == 1
