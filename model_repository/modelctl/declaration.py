"""contract.json: what a person declares of a model; what it leaves out is read from the graph and from labels.txt."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from modelctl import text_files
from modelctl.bundle import contract, fields
from modelctl.bundle.contract import Contract
from modelctl.bundle.errors import InvalidBundle, ModelctlError
from modelctl.bundle.fields import Json

FILE = "contract.json"

_CONFIG = """name: "{model}"
platform: "onnxruntime_onnx"
max_batch_size: 16
input [
  {{
    name: "{contract.input.name}"
    data_type: TYPE_FP32
    dims: {shape}
  }}
]
output [
  {{
    name: "{contract.output.name}"
    data_type: TYPE_FP32
    dims: [ {count} ]
  }}
]
instance_group [
  {{
    kind: KIND_GPU
  }}
]
dynamic_batching {{
  preferred_batch_size: [ 4, 8, 16 ]
  max_queue_delay_microseconds: 1000
}}
"""


def read(path: Path) -> Json:
    """The document in `path`; raises ModelctlError naming the file."""
    try:
        return fields.loads(text_files.read(path), path.name)
    except InvalidBundle as error:
        raise ModelctlError(str(error).replace("pack it again", "correct it")) from None


def complete(declared: Json, model: onnx.ModelProto, labels: Sequence[str] | None) -> Contract:
    """The contract that `declared` and the graph state together. Raises ModelctlError naming what is wrong.

    `thresholds` may be one number for all labels.
    """
    weights = {weight.name for weight in model.graph.initializer}
    taken = {**_graph_input([one for one in model.graph.input if one.name not in weights]), **_part(declared, "input")}
    given = {"name": model.graph.output[0].name if model.graph.output else "", **_part(declared, "output")}
    if labels is not None:
        given.setdefault("labels", list(labels))
    if "labels" not in given:
        raise ModelctlError("no labels; write labels.txt with one label per line, in output order")
    thresholds = given.get("thresholds")
    if isinstance(thresholds, int | float) and isinstance(given["labels"], list):
        given["thresholds"] = [thresholds] * len(given["labels"])
    try:
        return contract.parse({"input": taken, "output": given, "inputs": declared.get("inputs")})
    except InvalidBundle as error:
        raise ModelctlError(f"{FILE}: {error}") from None


def config_text(model: str, found: Contract) -> bytes:
    """A config.pbtxt for Triton that follows the contract."""
    shape, count = f"[ {', '.join(map(str, found.input.shape))} ]", len(found.output.labels)
    return _CONFIG.format(model=model, contract=found, shape=shape, count=count).encode()


def _part(declared: Json, name: str) -> Mapping[str, Any]:
    if name not in declared:
        return {}
    try:
        return fields.an_object(declared, name)
    except InvalidBundle as error:
        raise ModelctlError(f"{FILE}: {error}") from None


def _graph_input(inputs: Sequence[onnx.ValueInfoProto]) -> dict[str, Any]:
    """Name, and the shape where the graph fixes all of it."""
    if len(inputs) != 1:
        return {}
    sizes = [dim.dim_value for dim in inputs[0].type.tensor_type.shape.dim][1:]
    return {"name": inputs[0].name} | ({"shape": sizes} if all(sizes) else {})
