"""`modelctl pack`: makes a bundle of an ONNX model and its files, and records the model's own answers."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx
from tqdm import tqdm

from modelctl import declaration, labels, one_file, runtime, text_files
from modelctl.assemble import Parts, assemble
from modelctl.bundle import config, config_fields, fields, manifest, onnx_file
from modelctl.bundle.contract import FIRST_LABEL_COUNT, Contract, first, parse_labels
from modelctl.bundle.errors import InvalidBundle, ModelctlError
from modelctl.bundle.interface import check_follows, interface, of_contract
from modelctl.bundle.manifest import Preprocessing
from modelctl.defaults import LABELS, PREPROCESSING, default_config
from modelctl.graph_checks import check_activation, check_tensors, load
from modelctl.recording import read_images, record


@dataclass(frozen=True)
class Source:
    """The files to pack. `operator_domains` may be in the graph beside the usual ones."""

    onnx: Path
    golden_images: Path
    config: Path | None = None
    labels: Path | None = None
    preprocessing: Path | None = None
    contract: Path | None = None
    operator_domains: tuple[str, ...] = ()


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
    return Source(
        model,
        golden_images,
        config=file("config", "config.pbtxt"),
        labels=file("labels", "labels.txt"),
        preprocessing=file("preprocessing", "preprocessing.json"),
        contract=file("contract", declaration.FILE),
    )


def pack(source: Source, version: int, provenance: Mapping[str, str], out: Path) -> tuple[Path, str]:
    """Writes `<model>-<version>.tar` into the folder `out`; returns its path and digest.

    Records golden outputs with ONNX Runtime and measures memory in a process of its own; shows progress.
    """
    out.mkdir(parents=True, exist_ok=True)
    steps = tqdm(total=4, desc="checking the model", disable=None)
    with steps:
        model = one_file.read(source.onnx)
        declared = _declare(source, load(model))
        onnx_file.read_opset(io.BytesIO(model), len(model), source.operator_domains)
        found = declared.contract
        preprocessing = _preprocessing(source.preprocessing, found.input.shape[0])
        _advance(steps, "recording golden outputs")
        inputs = read_images(source.golden_images, preprocessing, found.input.shape)
        golden = record(runtime.load(model), inputs, found.output)
        _advance(steps, "measuring memory")
        batch = (_max_batch_size(config.parse(declared.config)), *found.input.shape)
        # Less than the file itself would mean that the measurement failed.
        memory_bytes = max(runtime.measure_memory_bytes(model, batch), len(model))
        _advance(steps, "writing the bundle")
        parts = Parts(
            version,
            found,
            preprocessing,
            model,
            declared.config,
            golden,
            memory_bytes,
            provenance,
            declared.schema_version,
            source.operator_domains,
        )
        written = assemble(parts, out)
        _advance(steps, "packed")
    return written


@dataclass(frozen=True)
class _Declared:
    """`config`: the bytes of config.pbtxt."""

    contract: Contract
    config: bytes
    schema_version: int


def _declare(source: Source, model: onnx.ModelProto) -> _Declared:
    """The contract of the model, which its graph and its config.pbtxt fit. Raises ModelctlError."""
    if source.contract is None:
        config_text = text_files.read(source.config) if source.config else default_config()
        parsed = config.parse(config_text)
        config_fields.check(parsed)
        check_tensors(model, interface(parsed))
        declared = _Declared(first(_first_labels(source.labels)), config_text, manifest.FIRST_SCHEMA_VERSION)
    else:
        document = declaration.read(source.contract)
        found = declaration.complete(document, model, _lines(source.labels) if source.labels else None)
        check_tensors(model, of_contract(found))
        declared = _Declared(found, _config(source.config, document, found), manifest.SCHEMA_VERSION)
    check_activation(model, declared.contract.output)
    return declared


def _config(path: Path | None, document: fields.Json, found: Contract) -> bytes:
    if path is None:
        if not isinstance(document.get("model"), str):
            raise ModelctlError(f"{declaration.FILE}: model is missing; write the model's name, or add a config.pbtxt")
        return declaration.config_text(document["model"], found)
    text = text_files.read(path)
    parsed = config.parse(text)
    config_fields.check(parsed)
    check_follows(parsed, found)
    if document.get("model") not in (None, config.model_name(parsed)):
        raise ModelctlError(
            f"config.pbtxt names model {config.model_name(parsed)}, {declaration.FILE} another; use one"
        )
    return text


def _first_labels(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return LABELS
    names = _lines(path)
    if len(names) != FIRST_LABEL_COUNT:
        raise ModelctlError(
            f"labels must be a list of {FIRST_LABEL_COUNT} distinct names in output order; "
            f"for a model with {len(names)}, declare its output in {declaration.FILE}"
        )
    return parse_labels({"labels": names}, exactly=FIRST_LABEL_COUNT)


def _lines(path: Path) -> list[str]:
    return labels.read(path.read_bytes(), path.name)


def _preprocessing(path: Path | None, channels: int) -> Preprocessing:
    if path is None:
        return replace(PREPROCESSING, mean=(0.0,) * channels, std=(1.0,) * channels)
    try:
        return manifest.parse_preprocessing(fields.loads(text_files.read(path), path.name), channels)
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
