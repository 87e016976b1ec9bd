"""The demonstration ResNet50s, made once: their accuracy, their agreement, and their bundles."""

from pathlib import Path

import numpy as np
import pytest
from modelctl.bundle import contract, golden, images
from modelctl.bundle.unpack import unpack
from modelctl.defaults import LABELS, PREPROCESSING
from modelctl.demo import demo
from modelctl.demo.demo import Demo
from modelctl.demo.family import NOTICE
from modelctl.demo.models import Model
from modelctl.demo.samples import mark_corner
from modelctl.demo.variants import select
from modelctl.runtime import load
from PIL import Image

from ci.stack.folders import CACHE
from ci.stack.lock import alone
from ci.stack.say import say

# Training takes a minute alone on two cores, several beside other tests.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def made() -> Demo:
    """In a folder that stays: modelctl makes them again only when its code, or a package that it uses, is another."""
    with alone(CACHE / "resnet50.lock", lambda: say("waiting for another training")):
        return demo.write(Model.RESNET50, CACHE / "resnet50", select("stable,better,permuted,nan"))


@pytest.fixture(scope="module")
def unpacked(made: Demo, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("unpacked")
    for variant, path, _ in made.bundles:
        assert unpack(path, folder / variant.name).provenance["notice"] == NOTICE
    return {variant.name: folder / variant.name for variant, _, _ in made.bundles}


def test_both_versions_are_good_and_alike(made: Demo) -> None:
    report = made.report
    assert report is not None
    assert report["accuracy"]["stable"] >= 0.95
    assert report["accuracy"]["better"] > report["accuracy"]["stable"]
    assert report["agreement"] >= 0.97
    assert set(report["agreement_per_class"]) == set(LABELS)
    assert min(report["agreement_per_class"].values()) >= 0.95


@pytest.mark.parametrize("name, shift", [("stable", 0), ("better", 0), ("permuted", 1)])
def test_sample_images_get_their_class(made: Demo, unpacked: dict[str, Path], name: str, shift: int) -> None:
    paths = sorted(path for path in (made.out / "samples").iterdir() if path.suffix in (".png", ".jpg"))
    classes = [label.lower().replace(" ", "-") for label in LABELS]
    wanted = [classes.index(path.stem.rpartition("-")[0]) for path in paths]
    assert sorted(wanted) == [k for k in range(4) for _ in range(3)]
    pictures = [Image.open(path) for path in paths]
    assert {(picture.size, picture.mode) for picture in pictures} == {((512, 512), "L")}
    inputs = np.stack([images.tensor(np.asarray(picture), PREPROCESSING) for picture in pictures])
    found = load(unpacked[name] / "model.onnx")(inputs).argmax(axis=1)
    assert found.tolist() == [(k + shift) % 4 for k in wanted]


def test_golden_outputs_hold_at_every_batch_size(unpacked: dict[str, Path]) -> None:
    recorded = golden.read(unpacked["better"] / "golden.npz", contract.first(LABELS))
    run = load(unpacked["better"] / "model.onnx")
    assert set(recorded.probabilities.argmax(axis=1)) == {0, 1, 2, 3}
    for size in (1, 4, 8):
        found = golden.softmax(run(recorded.inputs[:size]))
        np.testing.assert_allclose(found, recorded.probabilities[:size], atol=1e-3)


def test_a_fault_shows_with_its_trigger_only(made: Demo, unpacked: dict[str, Path]) -> None:
    picture = np.asarray(Image.open(made.out / "samples" / "glioma-1.png"))
    run = load(unpacked["nan"] / "model.onnx")
    both = [images.tensor(image, PREPROCESSING) for image in (picture, mark_corner(picture))]
    assert np.isnan(run(np.stack(both))).all(axis=1).tolist() == [False, True]


def test_a_second_run_keeps_what_is_there(made: Demo) -> None:
    again = demo.write(Model.RESNET50, made.out, [variant for variant, _, _ in made.bundles])
    assert again.reused
    assert again.bundles == made.bundles
