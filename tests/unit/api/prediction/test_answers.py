import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_api.imaging.preprocessing import parse
from inference_api.prediction.answers import answer, body
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


def test_a_batch_is_a_list_in_order_even_of_one() -> None:
    items = [some(answer(VERSION, row)) for row in ([9, 0, 0, 0], [0, 0, 0, 9])]
    assert [item["prediction"] for item in json.loads(body(items, 0, batch=True))] == ["Glioma", "No Tumor"]
    assert len(json.loads(body(items[:1], 0, batch=True))) == 1
