"""`modelctl demo`: a folder of demonstration bundles and sample images, made without any checkpoint."""

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from modelctl.assemble import assemble
from modelctl.bundle import canonical, contract
from modelctl.bundle.verify import file_digest
from modelctl.declaration import config_text as config_of
from modelctl.defaults import LABELS, PREPROCESSING, default_config
from modelctl.demo import chest, tiny
from modelctl.demo.family import NOTICE, Family, parts
from modelctl.demo.models import Model
from modelctl.demo.samples import Sample, Slice
from modelctl.demo.variants import Variant, Weights

# Measured with modelctl.memory, rounded up: the runtime takes about 20 MB even for a model of some kilobytes.
_TINY_MEMORY_BYTES = 32 << 20
_GOLDEN_PER_CLASS = 2
_MAX_SAMPLES = 3  # that show the same
_CHEST_IMAGES = 18
_INDEX = "demo.json"


@dataclass(frozen=True)
class Demo:
    """What is in the folder `out`. `report` is None for a model that was not trained; `reused`: nothing was written."""

    out: Path
    bundles: tuple[tuple[Variant, Path, str], ...]
    report: dict[str, Any] | None
    reused: bool


def write(model: Model, out: Path, variants: Sequence[Variant], config_text: bytes | None = None) -> Demo:
    """Writes `<model>-<version>.tar` for each variant, `samples/` and `demo.json` into the folder `out`.

    `config_text` takes the place of the model's own config.pbtxt. What an earlier run left there for the same inputs is
    kept. Raises ModelctlError for a config that does not fit.
    """
    text = config_text or _config(model)
    key = _key(model, variants, text)
    out.mkdir(parents=True, exist_ok=True)
    left = _left(out, variants, key)
    if left is not None:
        return left
    family, samples, report = _make(model)
    _write_samples(out / "samples", samples)
    shown = tqdm(variants, desc="writing bundles", disable=None)
    bundles = tuple((variant, *assemble(parts(family, variant, text), out)) for variant in shown)
    _write_index(out, key, model, family.contract.output.labels, bundles, report)
    return Demo(out, bundles, report, reused=False)


def _config(model: Model) -> bytes:
    return config_of(chest.MODEL, chest.CONTRACT) if model is Model.CHEST else default_config()


def _make(model: Model) -> tuple[Family, Sequence[Sample], dict[str, Any] | None]:
    match model:
        case Model.RESNET50:
            return _resnet50()
        case Model.TINY:
            return _tiny()
        case Model.CHEST:
            return _chest()


def _tiny() -> tuple[Family, list[Sample], None]:
    classes = range(len(LABELS))
    golden = [tiny.image(k, seed, size=224) for seed in range(_GOLDEN_PER_CLASS) for k in classes]
    slices = [Slice(tiny.image(k, 100 + seed), k) for k in classes for seed in range(_MAX_SAMPLES)]
    add, provenance = tiny.add_classifier, _provenance(Model.TINY)
    family = Family(contract.first(LABELS), PREPROCESSING, add, golden, _TINY_MEMORY_BYTES, provenance)
    return family, _named(slices), None


def _chest() -> tuple[Family, list[Sample], None]:
    golden = [one.image for one in chest.samples(0, _CHEST_IMAGES, chest.SIDE)]
    add, provenance = chest.add_classifier, _provenance(Model.CHEST)
    family = Family(chest.CONTRACT, chest.PREPROCESSING, add, golden, _TINY_MEMORY_BYTES, provenance)
    return family, chest.samples(100, _CHEST_IMAGES), None


def _resnet50() -> tuple[Family, Sequence[Sample], dict[str, Any]]:
    # Only this model needs nibabel and nilearn.
    from modelctl.demo import resnet_demo

    trained = resnet_demo.train()
    return trained.family, _named(trained.samples), asdict(trained.evaluation)


def _provenance(model: Model) -> dict[Weights, dict[str, str]]:
    return {weights: {"classifier": model.value, "weights": weights.value} for weights in Weights}


def _named(slices: Sequence[Slice]) -> list[Sample]:
    """By class."""
    ordered = sorted(slices, key=lambda one: one.label_index)
    return [Sample(LABELS[one.label_index].lower().replace(" ", "-"), one.image) for one in ordered]


def _key(model: Model, variants: Sequence[Variant], config_text: bytes) -> str:
    """Names the inputs: equal keys, equal bundles (on one kind of processor)."""
    sources = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parents[1].rglob("*.py"))))
    packages = {name: metadata.version(name) for name in ("numpy", "onnx", "onnxruntime", "pillow")}
    config_sha256 = hashlib.sha256(config_text).hexdigest()
    names = [variant.name for variant in variants]
    return canonical.sha256([model, names, config_sha256, packages, sources.hexdigest()])


def _left(out: Path, variants: Sequence[Variant], key: str) -> Demo | None:
    try:
        index = json.loads((out / _INDEX).read_text())
        if index["key"] != key:
            return None
        paths = [out / bundle["file"] for bundle in index["bundles"]]
        digests = [bundle["digest"] for bundle in index["bundles"]]
        if [file_digest(path) for path in paths] != digests:
            return None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Demo(out, tuple(zip(variants, paths, digests, strict=True)), index["report"], reused=True)


def _write_index(
    out: Path,
    key: str,
    model: Model,
    labels: Sequence[str],
    bundles: Sequence[tuple[Variant, Path, str]],
    report: dict[str, Any] | None,
) -> None:
    listed = [
        {"version": variant.version, "variant": variant.name, "file": path.name, "digest": digest}
        for variant, path, digest in bundles
    ]
    index = {"notice": NOTICE, "model": model, "key": key, "labels": labels, "bundles": listed, "report": report}
    (out / _INDEX).write_text(json.dumps(index, indent=2) + "\n")


def _write_samples(folder: Path, samples: Sequence[Sample]) -> None:
    """`<what it shows>-<n>.png` and `.jpg` in turn, images that no head was fitted on."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "README.txt").write_text(f"Synthetic images. {NOTICE}.\n")
    written: Counter[str] = Counter()
    for one in samples:
        written[one.shown] += 1
        if (number := written[one.shown]) <= _MAX_SAMPLES:
            suffix = "jpg" if number % 2 == 0 else "png"
            Image.fromarray(one.image).save(folder / f"{one.shown}-{number}.{suffix}")
