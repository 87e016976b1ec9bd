"""The exported graph answers as torchvision's own ResNet50 does."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from modelctl.main import main
from modelctl.runtime import load
from safetensors.numpy import save_file

from tests.harness.programs import debian

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]
SCRIPT = Path(__file__).with_name("torchvision_resnet50.py")
PYTHON = "/usr/bin/python3"


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of torchvision's, as .safetensors, and its answers."""
    if subprocess.run([PYTHON, "-c", "import torchvision"], capture_output=True).returncode != 0:
        pytest.skip(f"torchvision is missing: {debian('python3-torch python3-torchvision')}")
    folder = tmp_path_factory.mktemp("torchvision")
    environment = {"PYTHONPATH": str(ROOT / "model_repository"), "PATH": os.environ["PATH"]}
    result = subprocess.run([PYTHON, str(SCRIPT), str(folder)], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    with np.load(folder / "state.npz") as state:
        save_file(dict(state), folder / "resnet50.safetensors")
    return folder


def test_gives_torchvision_s_logits(answers: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    assert main(["export", str(answers / "resnet50.safetensors"), "--out", str(out)]) == 0
    with np.load(answers / "answers.npz") as recorded:
        inputs, logits = recorded["inputs"], recorded["logits"]
    run = load(out)
    # The weights are random, so an error anywhere moves the logits by about their spread.
    tolerance = 1e-4 * float(np.abs(logits).max())
    assert np.abs(logits - logits.mean(axis=0)).max() > 10 * tolerance
    np.testing.assert_allclose(run(inputs), logits, atol=tolerance, rtol=0)
    np.testing.assert_allclose(run(inputs[:1]), logits[:1], atol=tolerance, rtol=0)


def test_the_script_of_the_first_version_still_exports(answers: Path, tmp_path: Path) -> None:
    out = tmp_path / "model.onnx"
    script = ROOT / "model_repository" / "export_model.py"
    command = [sys.executable, str(script), str(answers / "resnet50.safetensors"), "--out", str(out)]
    assert subprocess.run(command, capture_output=True).returncode == 0
    model = onnx.load(out)
    onnx.checker.check_model(model, full_check=True)
    assert [opset.version for opset in model.opset_import] == [17]
    for value, name in ((model.graph.input[0], "input"), (model.graph.output[0], "output")):
        assert (value.name, value.type.tensor_type.shape.dim[0].dim_param) == (name, "batch")


def test_a_thousand_classes_are_refused_by_name(
    answers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with np.load(answers / "state.npz") as state:
        wide = dict(state) | {"fc.weight": np.ones((1000, 2048), np.float32), "fc.bias": np.ones(1000, np.float32)}
    save_file(wide, tmp_path / "a.safetensors")
    assert main(["export", str(tmp_path / "a.safetensors"), "--out", str(tmp_path / "a.onnx")]) == 1
    assert "fc.weight is [1000, 2048], must be [4, 2048]" in capsys.readouterr().err
    assert not (tmp_path / "a.onnx").exists()
