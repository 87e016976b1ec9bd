"""The contract of a version in the routes document: read, or refused with the field's name."""

import json
from typing import Any

import pytest
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.routing.contract import FIRST, Contract
from inference_api.routing.document import InvalidRoutes, Version, parse

from tests.harness.routes import PREPROCESSING, only_stable

FINDINGS: dict[str, Any] = {
    "digest": "sha256:" + "1" * 64,
    "labels": ["Effusion", "Nodule"],
    "preprocessing": PREPROCESSING | {"mean": [0.5], "std": [0.25]},
    "input": {"name": "picture", "shape": [1, 320, 200]},
    "output": {"name": "findings", "activation": "sigmoid", "thresholds": [0.5, 0.25]},
}


def version(**changes: Any) -> Version:
    fields = {name: value for name, value in (FINDINGS | changes).items() if value is not None}
    return parse(json.dumps(only_stable(versions={"1": fields})).encode()).stable.version


def test_findings_of_a_grey_picture() -> None:
    found = version()
    assert found.contract == Contract("picture", (1, 320, 200), "findings", "sigmoid", (0.5, 0.25))
    assert found.preprocessing == Preprocessing("bicubic", 1 / 255, (0.5,), (0.25,), None)


def test_without_tensors_it_is_that_of_schema_version_1() -> None:
    assert parse(json.dumps(only_stable()).encode()).stable.version.contract == FIRST


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"labels": []}, "versions.1.labels: must be 1 to 1000 distinct strings", id="no-labels"),
        pytest.param({"labels": [str(k) for k in range(1001)]}, "versions.1.labels: must be 1 to 1000", id="1001"),
        pytest.param({"labels": ["a", "a"]}, "versions.1.labels: must be", id="twice"),
        pytest.param({"input": None, "output": None}, "versions.1.labels: are 2; write 4, or add", id="two-of-first"),
        pytest.param({"input": None}, "versions.1.input, versions.1.output: must both", id="no-input"),
        pytest.param({"input": {"name": "x\r\ny", "shape": [1, 2, 3]}}, "input.name: must be a tensor's", id="name"),
        pytest.param({"input": {"name": "x", "shape": [2, 8, 8]}}, "input.shape: must have 1 or 3", id="channels"),
        pytest.param({"input": {"name": "x", "shape": [1, 8, 2000]}}, "from 1 to 1024", id="too-wide"),
        pytest.param({"input": {"name": "x", "shape": [1, 8.0, 8]}}, "input.shape: must be [C, H, W]", id="float"),
        pytest.param({"output": {"name": "y", "activation": "x"}}, "output.activation: must be", id="activation"),
        pytest.param({"output": {"name": "y", "activation": "sigmoid"}}, "must be 2 numbers", id="no-thresholds"),
        pytest.param(
            {"output": {"name": "y", "activation": "sigmoid", "thresholds": [0.5, 1]}}, "must be 2 numbers", id="one"
        ),
        pytest.param(
            {"output": {"name": "y", "activation": "softmax", "thresholds": [0.5, 0.5]}}, "must be left out", id="class"
        ),
        pytest.param({"preprocessing": PREPROCESSING}, "mean is [0, 0, 0]; write a list of one number", id="3-means"),
    ],
)
def test_what_cannot_be_served_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidRoutes) as refused:
        version(**changes)
    assert reason in str(refused.value)
