"""Findings of grey pictures of 40x64, by a real Triton, agent and API: proved, asked, and compared in shadow."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from modelctl import packing, runtime
from modelctl.bundle import contract, golden, images
from modelctl.bundle.unpack import unpack
from numpy.typing import NDArray

from ci.load.images import grey_jpeg, grey_pixels
from ci.stack.api import Api
from ci.stack.documents import Json, build_plan, build_routes
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until
from tests.harness.stack import status
from tests.unit.modelctl.classifiers import folder, model

REPLICA_ADDRESS = "127.0.3.21"
API_ADDRESS = "127.0.3.22"
LABELS = ["Effusion", "Nodule", "Mass"]
THRESHOLDS = [0.5, 0.4, 0.3]
REQUESTS = 20


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Version 1, and version 2 with the same graph but other names for its numbers."""
    room = tmp_path_factory.mktemp("chest")
    declared = {"model": "chest", "output": {"activation": "sigmoid", "thresholds": THRESHOLDS}}
    made = []
    for version, labels in ((1, LABELS), (2, [*LABELS[1:], LABELS[0]])):
        source = folder(room / str(version), model(), declared, labels)
        made.append(packing.pack(packing.find(source, {}), version, {}, room)[0])
    return made


@pytest.fixture(scope="module")
def api(packed: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    replica = Replica("chest-0", REPLICA_ADDRESS, tmp_path_factory.mktemp("chest-0"))
    replica.follow(build_plan(*packed))
    api = Api("api", f"{API_ADDRESS}:8002", tmp_path_factory.mktemp("api"), workers=1, environment={})
    with replica:
        replica.wait_until_warm(120)
        replica.wait_until_ready(f"{replica.agent_url}/versions/2", 120)
        api.follow(build_routes([("a", replica.url, [1, 2])], *packed, shadow_percent=100))
        with api:
            api.wait_until_serving()
            yield api


def test_findings_are_answered_as_the_graph_gives_them(api: Api, packed: list[Path], tmp_path: Path) -> None:
    found = unpack(packed[0], tmp_path / "1")
    recorded = golden.read(tmp_path / "1" / "golden.npz", found.contract)
    assert recorded.inputs.shape[1:] == (1, 40, 64)
    answers = [predict(api, seed) for seed in range(REQUESTS)]
    for seed, answer in enumerate(answers):
        expected = reference(
            tmp_path / "1" / "model.onnx", images.tensor(grey_pixels(seed), found.preprocessing, (1, 40, 64))
        )
        assert list(answer["probabilities"]) == LABELS
        np.testing.assert_allclose(list(answer["probabilities"].values()), expected, atol=0.02)  # JPEG is lossy
        reach = zip(answer["probabilities"].items(), THRESHOLDS, strict=True)
        assert answer["findings"] == [label for (label, value), threshold in reach if value >= threshold]
        assert answer["confidence"] == max(answer["probabilities"].values())

    def compared() -> Json | None:
        shadow: Json = status(api)["shadow"]
        return shadow if shadow["samples"] + shadow["dropped"] == REQUESTS else None

    shadow = wait_until(compared, "every copy is counted")
    tally = shadow["tally"]
    assert (shadow["failed"], shadow["matrix"]) == (0, []) and shadow["samples"] > 0
    assert sum(tally["said"]) == len(LABELS) * shadow["samples"]


def test_a_batch_of_findings(api: Api) -> None:
    files = [("image", grey_jpeg(seed)) for seed in range(16)]
    answers = httpx.post(f"{api.url}/predict/batch", files=files, timeout=30).json()
    assert [one["findings"] for one in answers] == [predict(api, seed)["findings"] for seed in range(16)]


def predict(api: Api, seed: int) -> Json:
    answer = httpx.post(f"{api.url}/predict", files={"image": grey_jpeg(seed)}, timeout=30)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def reference(path: Path, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = runtime.load(path)(tensor[None])
    found: NDArray[np.float32] = golden.sigmoid(values)[0]
    return found


def test_the_contract_is_the_bundles(packed: list[Path], tmp_path: Path) -> None:
    assert unpack(packed[1], tmp_path / "2").contract.output == contract.Output(
        "findings", "sigmoid", (*LABELS[1:], LABELS[0]), tuple(THRESHOLDS)
    )
