"""model.json: what a bundle says about itself, parsed into frozen values that the rest of the system can trust."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

from modelctl.bundle import contract, fields
from modelctl.bundle.archive import MAX_BYTES, MEMBERS
from modelctl.bundle.contract import Contract
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.fields import Json

FIRST_SCHEMA_VERSION = 1
SCHEMA_VERSION = 2
RESAMPLE_FILTERS = ("nearest", "box", "bilinear", "hamming", "bicubic", "lanczos")
INTENSITY_KINDS = ("window", "percentile", "voi")

_MODEL = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_SHA256 = r"[0-9a-f]{64}"
_HEX = "64 lower-case hex digits"
_MAX_VERSION = 2**63 - 1
_MAX_MEMORY_BYTES = 1 << 42


@dataclass(frozen=True)
class Window:
    """A fixed linear window in the modality's own units: [center - width / 2, center + width / 2] becomes 0..255."""

    center: float
    width: float
    kind: str = "window"


@dataclass(frozen=True)
class Percentile:
    """Percentiles of the image itself: [low, high] becomes 0..255."""

    low: float
    high: float
    kind: str = "percentile"


@dataclass(frozen=True)
class Voi:
    """DICOM's own VOI window; files without one use min..max."""

    kind: str = "voi"


Intensity = Window | Percentile | Voi


@dataclass(frozen=True)
class Preprocessing:
    """Tensor = (pixel * scale - mean) / std, NCHW FP32, after a resize to the input's size with the `resample` filter.

    `mean` and `std` have a number for each channel.
    """

    resample: str
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    intensity: Intensity | None


@dataclass(frozen=True)
class FileEntry:
    """Hex sha256 and size in bytes of one file."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """The fields of model.json; `files` maps each other member to its hash and size.

    A document of `schema_version` 1 has labels alone, and the contract that `contract.first` gives.
    """

    schema_version: int
    model: str
    version: int
    contract: Contract
    preprocessing: Preprocessing
    opset: int
    provenance: Mapping[str, str]
    memory_bytes: int
    config_sha256: str
    files: Mapping[str, FileEntry]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes or findings in output order."""
        return self.contract.output.labels


def parse(text: bytes) -> Manifest:
    """Parses model.json; raises InvalidBundle naming the first field that is wrong and what to write instead."""
    if len(text) > MAX_BYTES["model.json"]:
        raise InvalidBundle(f"model.json has {len(text)} bytes; {MAX_BYTES['model.json']} are allowed")
    document = fields.loads(text, "model.json")
    schema_version = fields.an_int(document, "schemaVersion", FIRST_SCHEMA_VERSION, SCHEMA_VERSION)
    found = _contract(document, schema_version)
    channels = found.input.shape[0]
    return Manifest(
        schema_version=schema_version,
        model=fields.a_string(document, "model", _MODEL, "a name of letters, digits, '_', '.' and '-'"),
        version=fields.an_int(document, "version", 1, _MAX_VERSION),
        contract=found,
        preprocessing=parse_preprocessing(fields.an_object(document, "preprocessing"), channels),
        opset=fields.an_int(document, "opset", 1, 1000),
        provenance=MappingProxyType(_provenance(fields.an_object(document, "provenance"))),
        memory_bytes=fields.an_int(document, "memoryBytes", 1, _MAX_MEMORY_BYTES),
        config_sha256=fields.a_string(document, "configSha256", _SHA256, _HEX),
        files=MappingProxyType(_files(fields.an_object(document, "files"))),
    )


def to_json(manifest: Manifest) -> dict[str, Any]:
    """The document that `parse` reads back to an equal value."""
    is_first = manifest.schema_version == FIRST_SCHEMA_VERSION
    return {
        "schemaVersion": manifest.schema_version,
        "model": manifest.model,
        "version": manifest.version,
        **({"labels": list(manifest.labels)} if is_first else contract.to_json(manifest.contract)),
        "preprocessing": preprocessing_to_json(manifest.preprocessing),
        "opset": manifest.opset,
        "provenance": dict(manifest.provenance),
        "memoryBytes": manifest.memory_bytes,
        "configSha256": manifest.config_sha256,
        "files": {name: asdict(entry) for name, entry in manifest.files.items()},
    }


def preprocessing_to_json(preprocessing: Preprocessing) -> dict[str, Any]:
    """The object under `preprocessing`, as model.json and routes carry it."""
    value = asdict(preprocessing)
    return value | {"mean": list(value["mean"]), "std": list(value["std"])}


def parse_preprocessing(document: Json, channels: int = 3) -> Preprocessing:
    """Reads the object under `preprocessing` of a model whose input has so many channels."""
    at = "preprocessing"
    return Preprocessing(
        resample=fields.one_of(document, "resample", RESAMPLE_FILTERS, at),
        scale=fields.a_number(document, "scale", at, positive=True),
        mean=fields.numbers(document, "mean", channels, at),
        std=fields.numbers(document, "std", channels, at, positive=True),
        intensity=_intensity(document),
    )


def _contract(document: Json, schema_version: int) -> Contract:
    if schema_version == FIRST_SCHEMA_VERSION:
        if "inputs" in document:
            raise InvalidBundle("inputs needs schemaVersion 2; pack the model again with a contract.json")
        return contract.first(contract.parse_labels(document, exactly=contract.FIRST_LABEL_COUNT))
    return contract.parse(document)


def _intensity(document: Json) -> Intensity | None:
    if document.get("intensity") is None:
        return None
    value = fields.an_object(document, "intensity", "preprocessing")
    at = "preprocessing.intensity"
    kind = fields.one_of(value, "kind", INTENSITY_KINDS, at)
    if kind == "voi":
        return Voi()
    if kind == "window":
        width = fields.a_number(value, "width", at, positive=True)
        return Window(center=fields.a_number(value, "center", at), width=width)
    low, high = (fields.a_number(value, name, at) for name in ("low", "high"))
    if not 0 <= low < high <= 100:
        raise InvalidBundle(f"{at}.low and .high must be percentiles with 0 <= low < high <= 100")
    return Percentile(low, high)


def _provenance(document: Json) -> dict[str, str]:
    for key, value in document.items():
        if not isinstance(value, str):
            raise InvalidBundle(f"provenance.{ascii(key)[1:-1][:40]} must be a string")
    return dict(document)


def _files(document: Json) -> dict[str, FileEntry]:
    expected = [name for name in MEMBERS if name != "model.json"]
    if sorted(document) != expected:
        raise InvalidBundle(f"files must name exactly {', '.join(expected)}")
    return {name: _file(fields.an_object(document, name, "files"), name) for name in expected}


def _file(entry: Json, name: str) -> FileEntry:
    at = f"files.{name}"
    return FileEntry(
        sha256=fields.a_string(entry, "sha256", _SHA256, _HEX, at),
        bytes=fields.an_int(entry, "bytes", 1, MAX_BYTES[name], at),
    )
