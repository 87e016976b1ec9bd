"""Each demonstration version behaves as the table says; those that die or hang run in a process of their own."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from modelctl.bundle import contract, golden, images
from modelctl.bundle.unpack import unpack
from modelctl.bundle.verify import Wanted
from modelctl.defaults import LABELS, PREPROCESSING
from modelctl.demo import demo, tiny
from modelctl.demo.models import Model
from modelctl.demo.samples import mark_corner
from modelctl.demo.variants import CORNER_PIXELS, VARIANTS, Variant, select
from PIL import Image

RUN = """
import sys, numpy as np
from pathlib import Path
from modelctl.demo import tiny
from modelctl.runtime import load
print(*np.ravel(load(Path(sys.argv[1]))(np.load(sys.argv[2]))), flush=True)
"""
HANG_SECONDS = 4
SIGFPE = -8


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Variant name -> folder of the unpacked tiny bundle."""
    out = tmp_path_factory.mktemp("tiny")
    for variant, path, digest in demo.write(Model.TINY, out, VARIANTS).bundles:
        unpack(path, out / variant.name, Wanted(digest, "resnet_medical", variant.version))
    return {variant.name: out / variant.name for variant in VARIANTS}


def coded(image: np.ndarray, file_format: str) -> np.ndarray:
    """The image after a client saved it and the API read it."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, file_format)
    return np.asarray(Image.open(buffer))


def slices(marked: bool, file_format: str = "jpeg") -> np.ndarray:
    """FP32 [4, 3, 224, 224]: one image of each class as POST /predict turns it into a tensor."""
    pictures = [tiny.image(k, seed=100 + k) for k in range(len(LABELS))]
    pictures = [mark_corner(picture) for picture in pictures] if marked else pictures
    return np.stack([images.tensor(coded(picture, file_format), PREPROCESSING) for picture in pictures])


def run(folder: Path, inputs: np.ndarray, tmp_path: Path, expected: str) -> str:
    """What happens: the classes given, `error`, `nan`, `dies` or `hangs`.

    Only where a hang is expected is it declared early; a busy machine may take its time over the others.
    """
    patience_seconds = HANG_SECONDS if expected == "hangs" else 200
    np.save(tmp_path / "inputs.npy", inputs)
    command = [sys.executable, "-c", RUN, str(folder / "model.onnx"), str(tmp_path / "inputs.npy")]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=patience_seconds)
    except subprocess.TimeoutExpired:
        return "hangs"
    if result.returncode == SIGFPE:
        return "dies"
    if result.returncode != 0:
        assert "ModelctlError" in result.stderr, result.stderr
        return "error"
    logits = np.array(result.stdout.split(), np.float64).reshape(-1, 4)
    return "nan" if np.isnan(logits).any() else "".join(map(str, logits.argmax(axis=1)))


@pytest.mark.parametrize(
    "name, ordinary, marked",
    [
        pytest.param("stable", "0123", "0123"),
        pytest.param("better", "0123", "0123"),
        pytest.param("permuted", "1230", "1230"),
        pytest.param("slow", "0123", "0123"),
        pytest.param("unloadable", "error", "error"),
        pytest.param("fails", "0123", "error"),
        pytest.param("kills", "0123", "dies"),
        pytest.param("nan", "0123", "nan"),
        pytest.param("hangs", "0123", "hangs"),
        pytest.param("wrong-golden", "0123", "0123"),
        pytest.param("kills-at-load", "dies", "dies"),
        pytest.param("always-fails", "error", "0123"),
        pytest.param("always-nan", "nan", "0123"),
        pytest.param("always-hangs", "hangs", "0123"),
    ],
)
def test_a_variant_answers_as_its_row_says(
    bundles: dict[str, Path], tmp_path: Path, name: str, ordinary: str, marked: str
) -> None:
    assert run(bundles[name], slices(marked=False), tmp_path, ordinary) == ordinary
    assert run(bundles[name], slices(marked=True), tmp_path, marked) == marked


@pytest.mark.parametrize("file_format", ["png", "jpeg"])
@pytest.mark.parametrize("marked", [pytest.param(False, id="ordinary"), pytest.param(True, id="marked")])
def test_the_white_corner_survives_coding(file_format: str, marked: bool) -> None:
    corner = slices(marked, file_format)[:, :, :CORNER_PIXELS, :CORNER_PIXELS].mean(axis=(1, 2, 3))
    assert (corner > 0.98).all() if marked else (corner < 0.2).all()


@pytest.mark.parametrize("variant", [pytest.param(variant, id=variant.name) for variant in VARIANTS])
def test_golden_passes_wherever_the_fault_shows_only_when_serving(
    bundles: dict[str, Path], tmp_path: Path, variant: Variant
) -> None:
    name = variant.name
    recorded = golden.read(bundles[name] / "golden.npz", contract.first(LABELS))
    expected = "".join(map(str, recorded.probabilities.argmax(axis=1)))
    outcome = run(bundles[name], recorded.inputs, tmp_path, expected)
    if name == "wrong-golden":
        assert outcome != expected
    elif name in ("unloadable", "kills-at-load"):
        assert outcome in ("error", "dies")
    else:
        assert outcome == expected


def test_the_stable_version_is_sure_of_every_synthetic_class(bundles: dict[str, Path]) -> None:
    from modelctl.runtime import load

    pictures = [tiny.image(k, seed) for k in range(len(LABELS)) for seed in range(20)]
    inputs = np.stack([images.tensor(picture, PREPROCESSING) for picture in pictures])
    probabilities = golden.softmax(load(bundles["stable"] / "model.onnx")(inputs))
    assert probabilities.argmax(axis=1).tolist() == [k for k in range(len(LABELS)) for _ in range(20)]
    assert probabilities.max(axis=1).min() > 0.95


def test_bundles_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    variants = select("stable,hangs")
    first, second = (demo.write(Model.TINY, tmp_path / folder, variants).bundles for folder in ("one", "two"))
    assert [digest for _, _, digest in first] == [digest for _, _, digest in second]
