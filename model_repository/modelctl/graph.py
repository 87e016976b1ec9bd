"""Builds ONNX models node by node, with the tensor names that config.pbtxt states."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from modelctl.bundle.interface import Interface

OPSET = 17
# The IR version that came with opset 17 (ONNX 1.12): every ONNX Runtime since 1.12 loads it.
IR_VERSION = 8


@dataclass
class Graph:
    """Collects a graph. Every method that adds a node returns the name of its output."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, op: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Adds the operator `op`; an empty `output` gets a name."""
        output = output or f"{op.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [output], name=f"{output}_node", **attributes))
        return output

    def weight(self, name: str, value: NDArray[Any]) -> str:
        """Adds a tensor of the state dict under its own name."""
        self.weights.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def constant(self, value: Any, dtype: type[np.generic]) -> str:
        """Adds a tensor that needs no name."""
        return self.weight(f"constant_{len(self.weights)}", np.asarray(value, dtype))

    def model(self, tensors: Interface, notice: str = "") -> onnx.ModelProto:
        """The model with a dynamic batch axis, opset 17."""
        graph = helper.make_graph(
            self.nodes,
            "modelctl",
            [_value_info(tensors.input_name, tensors.input_dims)],
            [_value_info(tensors.output_name, tensors.output_dims)],
            self.weights,
        )
        opsets = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="modelctl")
        model.doc_string = notice
        return model


def _value_info(name: str, dims: tuple[int, ...]) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *dims])
