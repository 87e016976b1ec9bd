"""A bundle whose model answers with bytes of other files of the machine that loads it."""

import numpy as np
import onnx
from onnx import TensorProto, helper

SECRET_BYTES = 8  # of each of two files: together one answer of four numbers


def reading(model: bytes, first: str, second: str) -> bytes:
    """A model.onnx of four numbers, which are those that lie in two files instead.

    `first`, `second`: places of external data, seen from the folder of model.onnx.
    """
    made = onnx.load_from_string(model)
    graph = made.graph
    name = graph.output[0].name
    for node in graph.node:
        node.output[:] = ["honest" if output == name else output for output in node.output]
    graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
    graph.initializer.extend((_outside("first", first), _outside("second", second)))
    graph.node.extend(
        (
            helper.make_node("Mul", ["honest", "zero"], ["nothing"]),
            helper.make_node("Concat", ["first", "second"], ["secrets"], axis=0),
            helper.make_node("Add", ["nothing", "secrets"], [name]),
        )
    )
    return bytes(made.SerializeToString())


def _outside(name: str, location: str) -> TensorProto:
    dims = [SECRET_BYTES // np.dtype(np.float32).itemsize]
    tensor = TensorProto(name=name, dims=dims, data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("length", str(SECRET_BYTES))):
        tensor.external_data.add(key=key, value=value)
    return tensor
