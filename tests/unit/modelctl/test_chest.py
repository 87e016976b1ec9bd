"""The chest model names what was drawn, in every combination."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from modelctl.bundle import golden, images
from modelctl.bundle.golden import sigmoid
from modelctl.bundle.unpack import unpack
from modelctl.bundle.verify import Wanted, verify
from modelctl.demo import chest, demo
from modelctl.demo.models import Model
from modelctl.demo.variants import select
from modelctl.runtime import Run, load
from numpy.typing import NDArray
from PIL import Image

VARIANTS = select("stable,better,permuted")
FINDINGS = range(len(chest.FINDINGS))
COMBINATIONS = [present for count in range(len(FINDINGS) + 1) for present in combinations(FINDINGS, count)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("chest")
    for variant, path, digest in demo.write(Model.CHEST, out, VARIANTS).bundles:
        unpack(path, out / variant.name, Wanted(digest, chest.MODEL, variant.version))
    return out


@pytest.fixture(scope="module")
def runs(folder: Path) -> dict[str, Run]:
    return {variant.name: load(folder / variant.name / "model.onnx") for variant in VARIANTS}


def answer(run: Run, image: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """[findings]: which are over their threshold."""
    tensor = images.tensor(image, chest.PREPROCESSING, chest.CONTRACT.input.shape)
    return np.asarray(sigmoid(run(tensor[None]))[0] > chest.CONTRACT.output.thresholds)


@pytest.mark.parametrize("present", COMBINATIONS, ids=str)
def test_findings_are_named_and_no_other(runs: dict[str, Run], present: tuple[int, ...]) -> None:
    drawn = np.isin(FINDINGS, present)
    image = chest.sample(present, [len(present)], 512).image
    assert answer(runs["stable"], image).tolist() == drawn.tolist()
    assert answer(runs["better"], image).tolist() == drawn.tolist()
    assert answer(runs["permuted"], image).tolist() == np.roll(drawn, 1).tolist()


def test_bundles_hold_the_contract_and_their_own_answers(folder: Path) -> None:
    for variant in VARIANTS:
        found = verify(folder / f"{chest.MODEL}-{variant.version}.tar")
        recorded = golden.read(folder / variant.name / "golden.npz", found.contract)
        assert found.contract == chest.CONTRACT
        assert recorded.inputs.shape[1:] == chest.CONTRACT.input.shape
        assert (recorded.probabilities > 0.5).sum(axis=1).tolist() == [0, 1, 1, 1, 1, 1, 2, 2, 3] * 2


def test_sample_images_are_named_by_their_findings(folder: Path, runs: dict[str, Run]) -> None:
    found = sorted(path for path in (folder / "samples").iterdir() if path.suffix != ".txt")
    assert len(found) == 18
    for path in found:
        seen = answer(runs["stable"], np.asarray(Image.open(path)))
        names = [label.lower() for label, is_seen in zip(chest.FINDINGS, seen, strict=True) if is_seen]
        assert path.stem.rpartition("-")[0] == ("-".join(names) or chest.NO_FINDING)
