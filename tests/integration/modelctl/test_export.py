"""The exported graph answers as torchvision's own ResNet50 does."""

import json
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


def require_torchvision() -> None:
    if subprocess.run([PYTHON, "-c", "import torchvision"], capture_output=True).returncode != 0:
        pytest.skip(f"torchvision is missing: {debian('python3-torch python3-torchvision')}")


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a checkpoint of torchvision's, as .safetensors, and its answers."""
    require_torchvision()
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


SAVE = "in the program that trained it, torch.save(model.state_dict(), 'weights.pth'), and give that file"


def test_checkpoints_as_training_programs_save_them(tmp_path: Path) -> None:
    """Taken, or refused with what to do, and nothing in them is executed."""
    environment = {"PYTHONPATH": str(ROOT / "model_repository"), "PATH": os.environ["PATH"]}
    require_torchvision()
    script = Path(__file__).with_name("torch_checkpoints.py")
    result = subprocess.run([PYTHON, str(script), str(tmp_path)], capture_output=True, text=True, env=environment)
    assert result.returncode == 0, result.stderr
    verdicts = json.loads(result.stdout)
    assert not (tmp_path / "executed").exists()
    assert not any("weights_only" in words for words in verdicts.values())
    taken = {name: words.removeprefix("taken: ") for name, words in verdicts.items() if words.startswith("taken: ")}
    # torch before 2.0 reads no numbers in a checkpoint.
    old = verdicts["float.pth"]
    assert taken.pop("float.pth", "") == "weights at state_dict" or "install torch 2.6" in old
    assert taken == {
        "plain.pth": "",
        "nested.pth.tar": "weights at state_dict",
        "lightning.ckpt": "weights at state_dict/model",
        "net.bin": "weights at net",
        "bfloat16.pt": "weights at model",
        "parameters.pth": "",
        "compiled.pth": "",
        "double.pth": "",
        "legacy.pth": "",
        "sequential-head.pth": "fc at fc.1",
    }
    for name, words in {
        "ema.pth": "several networks that differ, at model, model_ema",
        "quantized.pth": "fc.bias holds int8",
        "sparse.pth": "fc.weight is quantized or sparse",
        "namespace.pth": f"(argparse.Namespace), which are not loaded, as that can run code; {SAVE}",
        "whole-model.pth": f"(torch.nn.modules.linear.Linear), which are not loaded, as that can run code; {SAVE}",
        "attack.pth": f"which are not loaded, as that can run code; {SAVE}",
        "attack.pkl": f"is a pickle, which is not loaded, as that can run code; {SAVE}",
        "pickle.pkl": f"is a pickle, which is not loaded, as that can run code; {SAVE}",
        "list.pth": f"holds a list, not a state dict; {SAVE}",
        "scripted.pt": "torch.save(torch.jit.load(FILE, 'cpu').state_dict(), 'weights.pth')",
        "cut.pth": "is cut off or damaged; copy it again",
        "cut-legacy.pth": "(unexpected EOF",
    }.items():
        assert words in verdicts[name]
