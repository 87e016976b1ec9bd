"""`modelctl pack`: makes a bundle of an ONNX model and its files, and records the model's own answers."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from modelctl import images, runtime
from modelctl.assemble import Parts, assemble
from modelctl.bundle import config, fields, manifest
from modelctl.bundle.errors import InvalidBundle, ModelctlError
from modelctl.bundle.golden import MAX_INPUTS, Golden, softmax
from modelctl.bundle.manifest import Preprocessing
from modelctl.defaults import LABELS, PREPROCESSING, default_config
from modelctl.graph import Interface, interface

_IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")
# One batch and single images give the same numbers, except that a kernel may add in another order.
_BATCH_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Source:
    """The files to pack."""

    onnx: Path
    golden_images: Path
    config: Path | None = None
    labels: Path | None = None
    preprocessing: Path | None = None


def find(source: Path, given: Mapping[str, Path | None]) -> Source:
    """What to pack from a folder or an .onnx file. `given` overrides what the folder holds. Raises ModelctlError."""
    folder = source if source.is_dir() else None

    def file(key: str, name: str) -> Path | None:
        found = folder / name if folder else None
        return given.get(key) or (found if found and found.exists() else None)

    golden_images = file("golden", "golden")
    if golden_images is None:
        raise ModelctlError("no golden images; give --golden FOLDER with a few images of every class")
    model = folder / "model.onnx" if folder else source
    names = {"config": "config.pbtxt", "labels": "labels.txt", "preprocessing": "preprocessing.json"}
    return Source(model, golden_images, **{key: file(key, name) for key, name in names.items()})


def pack(source: Source, version: int, provenance: Mapping[str, str], out: Path) -> tuple[Path, str]:
    """Writes `<model>-<version>.tar` into the folder `out`; returns its path and digest.

    Records golden outputs with ONNX Runtime and measures memory in a process of its own; shows progress.
    """
    out.mkdir(parents=True, exist_ok=True)
    config_text = source.config.read_bytes() if source.config else default_config()
    parsed = config.parse(config_text)
    preprocessing = _preprocessing(source.preprocessing)
    steps = tqdm(total=4, desc="checking the model", disable=None)
    with steps:
        model = source.onnx.read_bytes()
        check_model(model, interface(parsed))
        _advance(steps, "recording golden outputs")
        golden = record(runtime.load(model), read_images(source.golden_images, preprocessing))
        _advance(steps, "measuring memory")
        memory_bytes = runtime.measure_memory_bytes(source.onnx, _max_batch_size(parsed))
        _advance(steps, "writing the bundle")
        labels = _labels(source.labels)
        # Less than the file itself would mean that the measurement failed.
        memory_bytes = max(memory_bytes, len(model))
        parts = Parts(version, labels, preprocessing, model, config_text, golden, memory_bytes, provenance)
        written = assemble(parts, out)
        _advance(steps, "packed")
    return written


def check_model(model: bytes, tensors: Interface) -> None:
    """Raises ModelctlError when the bytes are no valid ONNX model with the tensors of config.pbtxt."""
    try:
        proto = onnx.load(io.BytesIO(model))
        onnx.checker.check_model(proto)
    except Exception as error:  # protobuf's and the checker's errors have no common base
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ModelctlError(f"model.onnx is not a valid ONNX model ({reason}); export it again") from None
    weights = {weight.name for weight in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in weights]
    _check_tensor("input", inputs, tensors.input_name, tensors.input_dims)
    _check_tensor("output", list(proto.graph.output), tensors.output_name, tensors.output_dims)


def record(run: runtime.Run, inputs: NDArray[np.float32]) -> Golden:
    """Golden outputs of FP32 [N, 3, 224, 224]; raises ModelctlError when single images and one batch disagree."""
    together = softmax(run(inputs))
    alone = np.concatenate([softmax(run(inputs[i : i + 1])) for i in range(len(inputs))])
    if not np.allclose(together, alone, atol=_BATCH_TOLERANCE):
        raise ModelctlError("the model answers differently for one image and for a batch; export it in eval mode")
    return Golden(inputs, together)


def read_images(folder: Path, preprocessing: Preprocessing) -> NDArray[np.float32]:
    """FP32 [N, 3, 224, 224] of the images in a folder, by name; raises ModelctlError naming a bad one."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _IMAGE_SUFFIXES)
    if not 1 <= len(paths) <= MAX_INPUTS:
        raise ModelctlError(f"{folder} holds {len(paths)} images; 1 to {MAX_INPUTS} golden images are needed")
    return np.stack([images.tensor(image, preprocessing) for image in _pixels(paths)])


def _pixels(paths: list[Path]) -> Iterator[NDArray[np.uint8]]:
    for path in paths:
        try:
            with Image.open(path) as image:
                if image.mode not in ("L", "RGB"):
                    raise ModelctlError(f"{path.name} has mode {image.mode}; save golden images as 8-bit grey or RGB")
                yield np.asarray(image)
        except OSError as error:
            raise ModelctlError(f"{path.name} cannot be read as an image ({error}); replace it") from None


def _check_tensor(which: str, found: list[onnx.ValueInfoProto], name: str, dims: tuple[int, ...]) -> None:
    wanted = f"{name} FP32 [batch, {', '.join(map(str, dims))}]"
    if [value.name for value in found] != [name]:
        names = ", ".join(value.name for value in found) or "none"
        raise ModelctlError(f"model.onnx has the {which} {names}, config.pbtxt says {wanted}; export it with that name")
    tensor = found[0].type.tensor_type
    batch, *rest = tensor.shape.dim or [onnx.TensorShapeProto.Dimension()]
    if batch.HasField("dim_value"):
        raise ModelctlError(f"the batch axis of {name} is fixed at {batch.dim_value}; export it with a dynamic axis")
    # A size that the exporter left open (dim_value 0) is decided by the run that records golden outputs.
    fixed = [dim.dim_value for dim in rest]
    fits = len(fixed) == len(dims) and all(size in (0, wanted) for size, wanted in zip(fixed, dims, strict=True))
    if tensor.elem_type != onnx.TensorProto.FLOAT or not fits:
        raise ModelctlError(
            f"{name} is {fixed} after the batch axis, config.pbtxt says {wanted}; export it with that type and shape"
        )


def _labels(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return LABELS
    return manifest.parse_labels({"labels": [line for line in path.read_text().splitlines() if line.strip()]})


def _preprocessing(path: Path | None) -> Preprocessing:
    if path is None:
        return PREPROCESSING
    try:
        return manifest.parse_preprocessing(fields.loads(path.read_bytes(), path.name))
    except InvalidBundle as error:
        raise ModelctlError(f"{path.name}: {error}") from None


def _max_batch_size(parsed: config.Message) -> int:
    sizes = parsed.get("max_batch_size", [])
    if len(sizes) != 1 or not isinstance(sizes[0], int) or sizes[0] < 1:
        raise ModelctlError("config.pbtxt must hold one max_batch_size of at least 1")
    return sizes[0]


def _advance(steps: tqdm, what: str) -> None:
    steps.update()
    steps.set_description(what)
