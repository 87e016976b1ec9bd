"""`modelctl pack`, `verify` and `inspect` of models with other tensors, labels and activations."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modelctl import packing
from modelctl.bundle import config, contract, golden
from modelctl.bundle.errors import InvalidBundle, ModelctlError
from modelctl.bundle.interface import Interface
from modelctl.bundle.unpack import unpack
from modelctl.bundle.verify import verify
from modelctl.defaults import default_config
from modelctl.main import main

from tests.harness.hostile.repack import repack
from tests.unit.modelctl.classifiers import folder, model

FINDINGS = ["Effusion", "Nodule", "Mass"]
SIGMOID = {"model": "chest", "output": {"activation": "sigmoid", "thresholds": [0.5, 0.4, 0.3]}}
SOFTMAX = {"model": "chest", "output": {"activation": "softmax"}}


def pack(source: Path) -> Path:
    return packing.pack(packing.find(source, {}), 3, {}, source.parent / "out")[0]


@pytest.fixture
def chest(tmp_path: Path) -> Path:
    return folder(tmp_path / "in", model(), SIGMOID, FINDINGS)


def test_findings_of_a_grey_picture_of_any_size(chest: Path, tmp_path: Path) -> None:
    path = pack(chest)
    found = unpack(path, tmp_path / "3")
    recorded = golden.read(tmp_path / "3" / "golden.npz", found.contract)
    parsed = config.parse((tmp_path / "3" / "config.pbtxt").read_bytes())
    assert path.name == "chest-3.tar" and found.schema_version == 2
    assert found.contract == contract.Contract(
        contract.Input("picture", (1, 40, 64)),
        contract.Output("findings", "sigmoid", tuple(FINDINGS), (0.5, 0.4, 0.3)),
    )
    assert found.preprocessing.mean == (0.0,)
    assert parsed["input"] == [{"name": ["picture"], "data_type": ["TYPE_FP32"], "dims": [1, 40, 64]}]
    assert parsed["output"] == [{"name": ["findings"], "data_type": ["TYPE_FP32"], "dims": [3]}]
    assert recorded.inputs.shape == (4, 1, 40, 64) and recorded.is_several
    assert recorded.probabilities.sum(axis=1).max() > 1.01


@pytest.mark.parametrize(
    "tensors, count",
    [
        pytest.param(Interface("x", (3, 32, 32), "y", (1,)), 1, id="one-label"),
        pytest.param(Interface("x", (3, 320, 200), "y", (2,)), 2, id="two-labels"),
        pytest.param(Interface("x", (1, 8, 1000), "y", (1000,)), 1000, id="a-thousand-labels"),
    ],
)
def test_one_class_of_any_number(tmp_path: Path, tensors: Interface, count: int) -> None:
    labels = [f"class {k}" for k in range(count)]
    found = verify(pack(folder(tmp_path / "in", model(tensors), SOFTMAX, labels)))
    assert found.labels == tuple(labels) and found.contract.input.shape == tensors.input_dims


@pytest.mark.parametrize(
    "last, output",
    [
        pytest.param("Softmax", {"activation": "none"}, id="softmax"),
        pytest.param("Sigmoid", {"activation": "none", "thresholds": 0.5}, id="sigmoid"),
    ],
)
def test_a_graph_that_gives_probabilities_is_taken_as_it_is(tmp_path: Path, last: str, output: dict[str, Any]) -> None:
    source = folder(tmp_path / "in", model(last=last), {"model": "chest", "output": output}, FINDINGS)
    found = unpack(pack(source), tmp_path / "3")
    recorded = golden.read(tmp_path / "3" / "golden.npz", found.contract)
    again = golden.activate(np.log(recorded.probabilities), "softmax" if last == "Softmax" else "none")
    assert found.contract.output.thresholds == ((0.5,) * 3 if last == "Sigmoid" else ())
    assert (np.allclose(again, recorded.probabilities, atol=1e-6)) == (last == "Softmax")


@pytest.mark.parametrize(
    "made, declared, labels, reason",
    [
        pytest.param(model(last="Softmax"), SOFTMAX, FINDINGS, "ends in Softmax, so its output", id="softmax-twice"),
        pytest.param(model(last="Sigmoid"), SIGMOID, FINDINGS, "activation none with thresholds", id="sigmoid-twice"),
        pytest.param(model(last="LogSoftmax"), SOFTMAX, FINDINGS, "ends in LogSoftmax", id="log-softmax"),
        pytest.param(
            model(last="Sigmoid"),
            {"model": "chest", "output": {"activation": "none"}},
            FINDINGS,
            "does not sum to 1; declare output.thresholds",
            id="findings-without-thresholds",
        ),
        pytest.param(
            model(),
            {"model": "chest", "output": {"activation": "none"}},
            FINDINGS,
            "numbers outside 0 to 1; declare output.activation",
            id="logits-as-probabilities",
        ),
        pytest.param(model(), {"output": {"activation": "softmax"}}, FINDINGS, "model is missing", id="no-name"),
        pytest.param(model(), {"model": "chest"}, FINDINGS, "output.activation is missing", id="no-activation"),
        pytest.param(model(), SOFTMAX, FINDINGS[:2], "findings is [3] after the batch axis", id="a-label-missing"),
        pytest.param(
            model(),
            {"model": "chest", "output": {"activation": "sigmoid"}},
            FINDINGS,
            "output.thresholds is missing",
            id="no-thresholds",
        ),
        pytest.param(
            model(),
            {"model": "chest", "output": {"activation": "softmax", "thresholds": 0.5}},
            FINDINGS,
            "output.thresholds must be left out",
            id="thresholds-of-classes",
        ),
        pytest.param(
            model(Interface("x", (2, 8, 8), "y", (3,))), SOFTMAX, FINDINGS, "input.shape[0] must be 1", id="2-channels"
        ),
    ],
)
def test_a_declaration_that_does_not_fit_the_graph_is_refused(
    tmp_path: Path, made: Any, declared: dict[str, Any], labels: list[str], reason: str
) -> None:
    with pytest.raises(ModelctlError) as refused:
        pack(folder(tmp_path / "in", made, declared, labels))
    assert reason in str(refused.value)


def test_another_number_of_labels_without_a_contract_names_the_file_to_write(chest: Path) -> None:
    (chest / "contract.json").unlink()
    (chest / "config.pbtxt").write_bytes(default_config().replace(b"[ 4 ]", b"[ 3 ]"))
    with pytest.raises(ModelctlError, match="picture"):
        pack(chest)
    config_text = (chest / "config.pbtxt").read_text()
    config_text = config_text.replace('"input"', '"picture"').replace('"output"', '"findings"')
    (chest / "config.pbtxt").write_text(config_text.replace("3, 224, 224", "1, 40, 64"))
    with pytest.raises(ModelctlError, match=r"a model with 3, declare its output in contract\.json"):
        pack(chest)


@pytest.mark.parametrize(
    "old, new, reason",
    [
        pytest.param("dims: [ 3 ]", "dims: [ 4 ]", "output findings [4], the contract says findings [3]", id="labels"),
        pytest.param("[ 1, 40, 64 ]", "[ 1, 64, 40 ]", "the input picture [1, 64, 40]", id="turned"),
        pytest.param('"picture"', '"input"', "the input input", id="input-name"),
        pytest.param("TYPE_FP32", "TYPE_FP16", "data_type must be TYPE_FP32", id="half-precision"),
        pytest.param("size: 16", "size: 8", "max_batch_size: 16 or more", id="small-batches"),
    ],
)
def test_a_config_follows_the_contract(chest: Path, tmp_path: Path, old: str, new: str, reason: str) -> None:
    bundle = pack(chest)
    unpack(bundle, tmp_path / "3")
    text = (tmp_path / "3" / "config.pbtxt").read_text()
    assert old in text
    with pytest.raises(InvalidBundle) as refused:
        repack(bundle, tmp_path / "lies", config=text.replace(old, new).encode())
    assert reason in str(refused.value)
    (chest / "config.pbtxt").write_text(text.replace(old, new))
    with pytest.raises(ModelctlError) as refused_too:
        pack(chest)
    assert reason in str(refused_too.value)


def put(at: str, value: object) -> tuple[str, object]:
    return at, value


@pytest.mark.parametrize(
    "at, value, reason",
    [
        pytest.param("input", None, "input must be an object", id="input-null"),
        pytest.param("input/name", 'a"b', "input.name must be a tensor's name", id="input-name"),
        pytest.param("input/shape", [1, 40], "input.shape must be [C, H, W]", id="two-sizes"),
        pytest.param("input/shape", [True, 40, 64], "input.shape must be [C, H, W]", id="true"),
        pytest.param("input/shape", [4, 40, 64], "input.shape[0] must be 1", id="four-channels"),
        pytest.param("input/shape", [1, 40, 1025], "from 1 to 1024", id="too-wide"),
        pytest.param("output/name", "", "output.name must be a tensor's name", id="output-name"),
        pytest.param("output/activation", "relu", "output.activation must be one of", id="activation"),
        pytest.param("output/labels", [], "output.labels must be a list of 1 to 1000", id="no-labels"),
        pytest.param("output/labels", [f"{k}" for k in range(1001)], "1 to 1000", id="too-many-labels"),
        pytest.param("output/labels", ["a", "b", "a"], "output.labels[2] repeats", id="twice"),
        pytest.param("output/labels", ["\u20ac" * 60 + f"{k}" for k in range(400)], "more than 65536 bytes", id="long"),
        pytest.param("output/thresholds", [0.5, 0.5], "must be a list of 3 numbers", id="two-thresholds"),
        pytest.param("output/thresholds", [0.5, 1, 0.5], "output.thresholds[1] must be", id="threshold-1"),
        pytest.param("output/thresholds", [0.5, 0.5, "x"], "output.thresholds[2] must be", id="threshold-text"),
        pytest.param("output/thresholds", None, "output.thresholds is missing", id="no-thresholds"),
    ],
)
def test_model_json_that_lies(at: str, value: object, reason: str) -> None:
    document = json.loads(json.dumps(contract.to_json(CONTRACT)))
    *parents, key = at.split("/")
    part = document
    for parent in parents:
        part = part[parent]
    part[key] = value
    with pytest.raises(InvalidBundle) as refused:
        contract.parse(document)
    assert reason in str(refused.value)


CONTRACT = contract.Contract(
    contract.Input("picture", (1, 40, 64)), contract.Output("findings", "sigmoid", tuple(FINDINGS), (0.5, 0.4, 0.3))
)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(CONTRACT, id="findings"),
        pytest.param(replace(CONTRACT, output=contract.Output("y", "softmax", ("a",))), id="one-class"),
        pytest.param(contract.first(("a", "b", "c", "d")), id="schema-version-1"),
    ],
)
def test_a_contract_reads_back_as_it_was_written(given: contract.Contract) -> None:
    assert contract.parse(json.loads(json.dumps(contract.to_json(given)))) == given


def test_inspect_shows_the_contract(chest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(pack(chest))]) == 0
    shown = capsys.readouterr().out
    for text in ("picture FP32 [1, 40, 64], grey", "findings FP32 [3], activation sigmoid", "Nodule 0.4", "40x64"):
        assert text in shown


def test_a_sigmoid_never_overflows() -> None:
    values = np.array([[-1000, -1, 0, 1, 1000]], np.float32)
    assert golden.sigmoid(values) == pytest.approx(np.array([[0, 0.26894143, 0.5, 0.7310586, 1]]), abs=1e-7)
