"""The commands of model_repository/README.md, from a checkpoint of torchvision to an answer of the API."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from modelctl.bundle import images
from modelctl.bundle.manifest import Preprocessing
from modelctl.demo import chest
from PIL import Image

from ci.stack.api import Api
from ci.stack.documents import build_plan, build_routes
from ci.stack.folders import ROOT
from ci.stack.replica import Replica
from tests.harness.programs import debian

PYTHON = "/usr/bin/python3"
NETWORK = Path(__file__).with_name("torchvision_mobilenet.py")
README = ROOT / "model_repository" / "README.md"
PREPROCESSING = Preprocessing("bilinear", 1 / 255, (0.5,), (0.25,), None)  # as the commands write it
REPLICA_ADDRESS, API_ADDRESS = "127.0.3.41", "127.0.3.42"

pytestmark = pytest.mark.integration


def block(language: str) -> str:
    """The code of the worked example in this language."""
    section = README.read_text().partition("### A worked example\n")[2]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def run(*command: str, folder: Path) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(command, cwd=folder, env={"PATH": path}, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with checkpoint.pth, pictures/, and what torch answers to them."""
    if subprocess.run([PYTHON, "-c", "import torchvision"], capture_output=True).returncode != 0:
        pytest.skip(f"torchvision is missing: {debian('python3-torch python3-torchvision')}")
    folder = tmp_path_factory.mktemp("example")
    (folder / "pictures").mkdir()
    pictures = [sample.image for sample in chest.samples(seed=3, count=4)]
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / "pictures" / f"{number}.png")
    np.save(folder / "inputs.npy", [images.tensor(picture, PREPROCESSING, (1, 320, 320)) for picture in pictures])
    run(PYTHON, str(NETWORK), str(folder), folder=folder)
    return folder


def test_the_commands_make_a_version_that_answers_as_torch_does(example: Path, tmp_path: Path) -> None:
    (example / "to_onnx.py").write_text(block("python"))
    shown = run("bash", "-euc", block("sh").replace("python3 ", f"{PYTHON} "), folder=example)
    assert "Effusion" in shown and "sigmoid" in shown
    bundle = example / "bundles" / "chest-1.tar"
    replica = Replica("chest-0", REPLICA_ADDRESS, tmp_path / "chest-0")
    replica.follow(build_plan(bundle))
    api = Api("api", f"{API_ADDRESS}:8002", tmp_path, workers=1, environment={})
    with replica:
        replica.wait_until_warm(120)
        api.follow(build_routes([("chest-0", replica.url, [1])], bundle))
        with api:
            api.wait_until_serving()
            answers = np.array([probabilities(api.url, path) for path in sorted((example / "pictures").iterdir())])
    expected = np.load(example / "answers.npy")
    assert np.ptp(expected, axis=0).max() > 0.05, "the pictures are told apart"
    np.testing.assert_allclose(answers, expected, atol=2e-3)


def probabilities(url: str, path: Path) -> list[float]:
    answer = httpx.post(f"{url}/predict", files={"image": path.read_bytes()}, timeout=30).raise_for_status().json()
    return [answer["probabilities"][label] for label in ("Effusion", "Nodule", "Mass")]
