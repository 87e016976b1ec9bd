"""Small ONNX classifiers of any shape, and the folders that `modelctl pack` takes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from modelctl.bundle.interface import Interface, of_contract
from modelctl.graph import Graph
from PIL import Image

from ci.stack.documents import read_members
from tests.unit.agent.bundles import FINDINGS, OF_FINDINGS, make

GREY = Interface("picture", (1, 40, 64), "findings", (3,))


def model(tensors: Interface = GREY, last: str = "Identity") -> onnx.ModelProto:
    """A number for each label: the mean of a strip of the image, 24 times, less 6; then the operator `last`."""
    graph, (count,) = Graph(), tensors.output_dims
    grey = graph.add("ReduceMean", tensors.input_name, axes=[1, 2], keepdims=0)
    columns = np.zeros((tensors.input_dims[2], count), np.float32)
    for k, part in enumerate(np.array_split(np.arange(tensors.input_dims[2]), count)):
        columns[part, k] = 24 / len(part)
    numbers = graph.add(
        "Gemm", grey, graph.weight("head", columns), graph.weight("bias", np.full(count, -6, np.float32))
    )
    graph.add(last, numbers, output=tensors.output_name)
    return graph.model(tensors)


def folder(root: Path, made: onnx.ModelProto, contract: dict[str, Any], labels: list[str]) -> Path:
    """model.onnx, golden images, contract.json and labels.txt."""
    (root / "golden").mkdir(parents=True)
    onnx.save(made, root / "model.onnx")
    for k in range(4):
        pixels = np.random.default_rng(k).integers(0, 256, (50, 70), np.uint8)
        pixels[:, : 20 * k] //= 4
        Image.fromarray(pixels).save(root / "golden" / f"{k}.png")
    (root / "contract.json").write_text(json.dumps(contract))
    (root / "labels.txt").write_text("".join(f"{label}\n" for label in labels))
    return root


def small_bundle() -> dict[str, bytes]:
    """The four files of a bundle of a few kilobytes, with a graph that ONNX Runtime loads."""
    onnx_bytes = model(of_contract(FINDINGS)).SerializeToString()
    return read_members(make(contract=FINDINGS, schema_version=2, onnx=onnx_bytes, memory_bytes=1 << 20, **OF_FINDINGS))
