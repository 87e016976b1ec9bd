"""Each answered request is measured once in each stage, and each image by the version that answered it."""

import math
from itertools import pairwise
from typing import Any

import pytest
from inference_api.process.measurements import CONFIDENCE_BOUNDS, Stage
from inference_api.routing.counters import MAX_CLASSES, OTHER, Result, VersionCounters

from ci.load.images import grey_jpeg
from tests.harness.routes import document
from tests.unit.api.prediction.fake_triton import LOGITS
from tests.unit.api.prediction.test_clients import AT_CANARY, NAMED, Scene
from tests.unit.api.prediction.test_not_for_this_model import OTHERS

FINDINGS = {
    "input": {"name": "input", "shape": [3, 224, 224]},
    "output": {"name": "output", "activation": "sigmoid", "thresholds": [0.5] * 4},
}
SOFTMAX = math.exp(max(LOGITS)) / sum(map(math.exp, LOGITS))
SIGMOID = 1 / (1 + math.exp(-max(LOGITS)))


def bounds_of(confidence: float) -> tuple[float, float]:
    """The bucket in which it is."""
    return next((low, high) for low, high in pairwise([0, *CONFIDENCE_BOUNDS, 1]) if low < confidence <= high)


def filled(counted: dict[str, Any]) -> list[tuple[float, float]]:
    pairs = zip(pairwise([0, *CONFIDENCE_BOUNDS, 1]), counted["buckets"], strict=True)
    return [bounds for bounds, count in pairs if count]


async def test_an_answered_request_is_once_in_each_stage() -> None:
    scene = Scene()
    await scene.ask(NAMED, times=3)
    stages = scene.measurements.document()["stages"]
    assert {stage: sum(counted["buckets"]) for stage, counted in stages.items()} == dict.fromkeys(Stage, 3)
    assert min(counted["sum"] for counted in stages.values()) >= 0
    assert stages[Stage.DECODE]["sum"] > 0


async def test_a_refused_request_is_not_answered_and_in_no_confidence() -> None:
    others = {number: value | {"inputs": OTHERS} for number, value in document()["versions"].items()}
    scene = Scene(versions=others)
    await scene.ask(NAMED)
    measured = scene.measurements.document()
    assert (scene.statuses, measured["confidences"]) == ([422], {})
    assert sum(measured["stages"][Stage.ANSWER]["buckets"]) == 0


async def test_uploads_are_counted_by_format() -> None:
    scene = Scene()
    await scene.ask(NAMED, times=2)
    assert scene.measurements.document()["uploadBytes"] == {"JPEG": 2 * len(grey_jpeg())}


@pytest.mark.parametrize(
    ("contract", "confidence"),
    [pytest.param({}, SOFTMAX, id="classes"), pytest.param(FINDINGS, SIGMOID, id="findings")],
)
async def test_confidence_is_that_of_the_most_probable(contract: dict[str, Any], confidence: float) -> None:
    scene = Scene(versions={number: value | contract for number, value in document()["versions"].items()})
    await scene.ask(NAMED)
    (counted,) = scene.measurements.document()["confidences"].values()
    assert filled(counted) == [bounds_of(confidence)]


async def test_a_fallback_is_stables_confidence() -> None:
    scene = Scene(**AT_CANARY)
    for replica in "ab":
        scene.triton.behave(replica, 2, "fail")
    await scene.ask(NAMED)
    assert scene.measurements.document()["confidences"].keys() == {"1"}


async def test_nothing_is_in_flight_at_a_replica_after_every_kind_of_end() -> None:
    for behaviour in ("good", "fail", "nan", "break", "refuse", "hang"):
        scene = Scene()
        for replica in "ab":
            scene.triton.behave(replica, 1, behaviour)
        await scene.ask(NAMED)
        assert scene.traffic.snapshot()["replicas"] == {"a": 0, "b": 0}


def test_a_version_of_1000_labels_has_a_bounded_number_of_series() -> None:
    counted = VersionCounters()
    for number in range(1000):
        counted.count(Result.GOOD, 0.1, [f"label-{number}"])
    assert len(counted.classes) == MAX_CLASSES + 1
    assert counted.classes[OTHER] == 1000 - MAX_CLASSES
