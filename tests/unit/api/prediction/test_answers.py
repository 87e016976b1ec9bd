import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_api.imaging.preprocessing import parse
from inference_api.prediction.answers import answer, body
from inference_api.routing.contract import FIRST
from inference_api.routing.document import Version

from tests.harness.routes import LABELS, PREPROCESSING
from tests.unit.api.some import some

VERSION = Version(3, "sha256:" + "3" * 64, tuple(LABELS), parse(PREPROCESSING, "preprocessing"))

logits = st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=4, max_size=4)


@given(logits)
def test_probabilities_are_the_softmax(values: list[float]) -> None:
    given_answer = some(answer(VERSION, values))
    shifted = np.exp(np.array(values) - max(values))
    np.testing.assert_allclose(given_answer.probabilities, shifted / shifted.sum(), rtol=1e-12, atol=1e-300)
    assert math.isclose(sum(given_answer.probabilities), 1)
    assert given_answer.class_index == values.index(max(values))
    assert given_answer.probabilities[given_answer.class_index] == max(given_answer.probabilities)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf], ids=["nan", "inf", "minus-inf"])
@pytest.mark.parametrize("position", range(4))
def test_numbers_that_are_not_finite_are_no_answer(bad: float, position: int) -> None:
    values = [0.0, 1.0, 2.0, 3.0]
    values[position] = bad
    assert answer(VERSION, values) is None


def test_one_image_is_an_object_with_the_original_fields_first() -> None:
    document = json.loads(body([some(answer(VERSION, [0, 5, 0, 0]))], 0.0117, batch=False))
    assert list(document) == ["prediction", "confidence", "latency_ms", "probabilities", "model_version"]
    assert (document["prediction"], document["latency_ms"], document["model_version"]) == ("Meningioma", 11.7, 3)
    assert list(document["probabilities"]) == LABELS
    assert document["confidence"] == document["probabilities"]["Meningioma"]


def of(activation: str, thresholds: tuple[float, ...] = ()) -> Version:
    labels = ("Effusion", "Nodule", "Mass")
    return replace(VERSION, labels=labels, contract=replace(FIRST, activation=activation, thresholds=thresholds))


THRESHOLDS = (0.5, 0.7, 0.1)


@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=3, max_size=3))
def test_findings_are_those_that_reach_their_threshold(values: list[float]) -> None:
    found = some(answer(of("sigmoid", THRESHOLDS), values))
    powers = np.exp(-np.abs(np.array(values)))
    exact = np.where(np.array(values) >= 0, 1, powers) / (1 + powers)
    np.testing.assert_allclose(found.probabilities, exact, rtol=1e-12, atol=1e-300)
    reach = [value >= threshold for value, threshold in zip(found.probabilities, THRESHOLDS, strict=True)]
    assert [label in found.named for label in found.version.labels] == reach
    assert found.probabilities[found.class_index] == max(found.probabilities)


def test_findings_are_listed_beside_the_original_fields() -> None:
    document = json.loads(body([some(answer(of("sigmoid", THRESHOLDS), [-3, 2, 0]))], 0, batch=False))
    assert list(document)[:3] == ["prediction", "confidence", "latency_ms"]
    assert (document["prediction"], document["findings"]) == ("Nodule", ["Nodule", "Mass"])
    none = json.loads(body([some(answer(of("sigmoid", THRESHOLDS), [-9, -8, -9]))], 0, batch=False))
    assert (none["prediction"], none["findings"]) == ("Nodule", [])


@pytest.mark.parametrize(
    ("version", "values", "expected"),
    [
        pytest.param(of("none"), [0.25, 0.5, 0.25], (0.25, 0.5, 0.25), id="as-the-graph-gives-them"),
        pytest.param(of("none"), [-1e-4, 1.0001, 0.0], (0.0, 1.0, 0.0), id="rounded-beyond-0-and-1"),
        pytest.param(of("none"), [0.9, 0.8, 0.1], None, id="no-sum-of-1"),
        pytest.param(of("none", THRESHOLDS), [0.9, 0.8, 0.1], (0.9, 0.8, 0.1), id="findings-need-no-sum"),
        pytest.param(of("none", THRESHOLDS), [0.9, 1.5, 0.1], None, id="above-1"),
        pytest.param(of("none", THRESHOLDS), [0.9, -0.5, 0.1], None, id="below-0"),
        pytest.param(of("sigmoid", THRESHOLDS), [0.0, math.nan, 0.0], None, id="nan"),
    ],
)
def test_probabilities_of_the_graph(version: Version, values: list[float], expected: tuple[float, ...] | None) -> None:
    found = answer(version, values)
    assert (found and found.probabilities) == expected


def test_a_batch_is_a_list_in_order_even_of_one() -> None:
    items = [some(answer(VERSION, row)) for row in ([9, 0, 0, 0], [0, 0, 0, 9])]
    assert [item["prediction"] for item in json.loads(body(items, 0, batch=True))] == ["Glioma", "No Tumor"]
    assert len(json.loads(body(items[:1], 0, batch=True))) == 1
