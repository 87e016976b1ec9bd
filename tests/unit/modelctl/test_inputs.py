"""What a model is for, as model.json says it."""

import json
from pathlib import Path
from typing import Any

import pytest
from modelctl import packing
from modelctl.bundle import inputs, manifest
from modelctl.bundle.errors import InvalidBundle, ModelctlError
from modelctl.bundle.inputs import Inputs
from modelctl.bundle.unpack import unpack
from modelctl.main import main

from tests.unit.modelctl.classifiers import folder, model

EVERYTHING = {
    "modality": ["CR", "DX"],
    "photometricInterpretation": ["MONOCHROME2"],
    "bodyPart": ["CHEST", "LUNG 2"],
    "orientation": ["axial", "PA"],
    "smallestSize": [64, 32],
    "required": ["modality", "bodyPart"],
}


@pytest.mark.parametrize(
    "value, expected",
    [
        pytest.param(None, None, id="any"),
        pytest.param({}, Inputs(), id="nothing"),
        pytest.param({"modality": ["MR"]}, Inputs(modality=("MR",)), id="modality"),
        pytest.param(
            EVERYTHING,
            Inputs(
                *(("CR", "DX"), ("MONOCHROME2",), ("CHEST", "LUNG 2"), ("axial", "PA")),
                (64, 32),
                ("modality", "bodyPart"),
            ),
            id="everything",
        ),
    ],
)
def test_reads_back_what_it_writes(value: Any, expected: Inputs | None) -> None:
    found = inputs.parse({"inputs": value})
    assert found == expected
    assert (found and inputs.to_json(found)) == value


@pytest.mark.parametrize(
    "value, reason",
    [
        pytest.param([], "inputs must be an object", id="a-list"),
        pytest.param({"modalty": ["MR"]}, "inputs.modalty is not known; write modality, ", id="misspelt"),
        pytest.param({"modality": "MR"}, "inputs.modality must be a list of 1 to 32", id="text"),
        pytest.param({"modality": []}, "inputs.modality must be a list of 1 to 32", id="empty"),
        pytest.param({"modality": ["MR", "MR"]}, "different values", id="twice"),
        pytest.param({"modality": [f"M{i}" for i in range(33)]}, "1 to 32", id="too-many"),
        pytest.param({"modality": ["mr"]}, "inputs.modality[0] must be 1 to 16 of A-Z", id="small-letters"),
        pytest.param({"bodyPart": ["CHEST "]}, "inputs.bodyPart[0] must be", id="blank-at-the-end"),
        pytest.param({"modality": ["axial"]}, "inputs.modality[0] must be 1 to 16", id="a-plane-elsewhere"),
        pytest.param({"orientation": ["oblique"]}, "must be axial, coronal, sagittal, or 1 to 16", id="no-plane"),
        pytest.param({"smallestSize": 64}, "inputs.smallestSize must be [height, width]", id="one-side"),
        pytest.param({"smallestSize": [64, 0]}, "inputs.smallestSize must be", id="no-width"),
        pytest.param({"smallestSize": [64, True]}, "inputs.smallestSize must be", id="a-boolean"),
        pytest.param({"required": ["modality"]}, "inputs.required[0] must be one of", id="required-without-values"),
        pytest.param({"required": "modality"}, "inputs.required must be a list", id="required-text"),
    ],
)
def test_refused(value: Any, reason: str) -> None:
    with pytest.raises(InvalidBundle) as refused:
        inputs.parse({"inputs": value})
    assert reason in str(refused.value)


def pack(source: Path) -> Path:
    return packing.pack(packing.find(source, {}), 3, {}, source.parent / "out")[0]


def test_a_declaration_puts_it_into_the_bundle_and_inspect_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = {"model": "chest", "output": {"activation": "sigmoid", "thresholds": 0.5}, "inputs": EVERYTHING}
    path = pack(folder(tmp_path / "in", model(), declared, ["A", "B", "C"]))
    found = unpack(path, tmp_path / "3")
    assert found.contract.inputs and inputs.to_json(found.contract.inputs) == EVERYTHING
    assert main(["inspect", str(path)]) == 0
    assert '"modality": ["CR", "DX"]' in capsys.readouterr().out


def test_a_declaration_that_is_wrong_names_the_file(tmp_path: Path) -> None:
    declared = {"model": "chest", "output": {"activation": "softmax"}, "inputs": {"modality": "CR"}}
    with pytest.raises(ModelctlError, match=r"contract\.json: inputs\.modality"):
        pack(folder(tmp_path / "in", model(), declared, ["A", "B", "C"]))


def test_schema_version_1_has_no_inputs(contents: dict[str, bytes]) -> None:
    document = json.loads(contents["model.json"])
    with pytest.raises(InvalidBundle, match="inputs needs schemaVersion 2"):
        manifest.parse(json.dumps(document | {"inputs": {}}).encode())
