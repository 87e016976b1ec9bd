"""Whether an ONNX model has the tensors that its contract or its config.pbtxt says, and no second activation."""

import io

import onnx

from modelctl.bundle.contract import Output
from modelctl.bundle.errors import ModelctlError
from modelctl.bundle.interface import Interface
from modelctl.declaration import FILE

_PASS_ON = frozenset({"Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Dropout"})
_ACTIVATIONS = ("Softmax", "Sigmoid", "LogSoftmax")


def load(model: bytes) -> onnx.ModelProto:
    """Raises ModelctlError when the bytes are no valid ONNX model."""
    try:
        proto = onnx.load(io.BytesIO(model))
        onnx.checker.check_model(proto)
    except Exception as error:  # protobuf's and the checker's errors have no common base
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise ModelctlError(f"model.onnx is not a valid ONNX model ({reason}); export it again") from None
    return proto


def check_tensors(proto: onnx.ModelProto, tensors: Interface) -> None:
    """Raises ModelctlError when the model has other tensors than config.pbtxt, or the contract, says."""
    weights = {weight.name for weight in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in weights]
    _check_tensor("input", inputs, tensors.input_name, tensors.input_dims)
    _check_tensor("output", list(proto.graph.output), tensors.output_name, tensors.output_dims)


def check_activation(model: onnx.ModelProto, output: Output) -> None:
    """Raises ModelctlError when the graph ends in an activation already and another one is declared."""
    ends_in = last_activation(model)
    if ends_in == "LogSoftmax":
        raise ModelctlError("model.onnx ends in LogSoftmax; export it without, and declare activation softmax")
    if ends_in and output.activation != "none":
        thresholds = " with thresholds" if ends_in == "Sigmoid" else ""
        raise ModelctlError(
            f"model.onnx ends in {ends_in}, so its output is probabilities already; "
            f"declare output.activation none{thresholds} in {FILE}"
        )


def last_activation(model: onnx.ModelProto) -> str | None:
    """Softmax, Sigmoid or LogSoftmax when the output comes from that operator, at most reshaped or cast since."""
    made_by = {name: node for node in model.graph.node for name in node.output}
    node = made_by.get(model.graph.output[0].name)
    while node is not None and node.op_type in _PASS_ON and node.input:
        node = made_by.get(node.input[0])
    return node.op_type if node is not None and node.op_type in _ACTIVATIONS else None


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
