"""The fields of ONNX (onnx.proto) that a model.onnx may have; a test compares them with the onnx package.

A number is a field's. Its value says what is in it: another message, a text that is judged, or plain DATA. What is not
here is refused: fields of tomorrow, and those of REFUSED, which make a model more than one graph with its weights.
"""

from collections.abc import Mapping

DATA, DOMAIN, OPERATOR, FUNCTION_DOMAIN = "data", "domain of an operator", "operator", "domain of a function"


def _data(*numbers: int) -> dict[int, str]:
    return dict.fromkeys(numbers, DATA)


ALLOWED: Mapping[str, Mapping[int, str]] = {
    "ModelProto": {**_data(1, 2, 3, 4, 5, 6, 14), 7: "GraphProto", 8: "OperatorSetIdProto", 25: "FunctionProto"},
    "GraphProto": {**_data(2, 10, 11, 12, 13, 14, 16), 1: "NodeProto", 5: "TensorProto"},
    "NodeProto": {**_data(1, 2, 3, 6, 8, 9), 4: OPERATOR, 5: "AttributeProto", 7: DOMAIN},
    "AttributeProto": {
        **_data(1, 2, 3, 4, 7, 8, 9, 13, 14, 15, 20, 21),
        **dict.fromkeys((5, 10), "TensorProto"),
        **dict.fromkeys((6, 11), "GraphProto"),
    },
    "TensorProto": _data(1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16),
    "FunctionProto": {
        **_data(1, 4, 5, 6, 8, 9, 12, 13, 14),
        7: "NodeProto",
        10: FUNCTION_DOMAIN,
        11: "AttributeProto",
    },
    "OperatorSetIdProto": _data(1, 2),
}

_EXTERNAL = "external data, a file that ONNX Runtime would read; export it into one file"
_SPARSE = "a sparse tensor, which may claim any size; store it dense"

REFUSED: Mapping[tuple[str, int], str] = {
    ("ModelProto", 20): "training_info, graphs that are not for inference; export it for inference",
    ("ModelProto", 26): "configuration of devices; export it without",
    ("GraphProto", 15): _SPARSE,
    ("NodeProto", 10): "device_configurations; export it without",
    ("AttributeProto", 22): _SPARSE,
    ("AttributeProto", 23): _SPARSE,
    ("TensorProto", 3): "a tensor in segments; store it whole",
    ("TensorProto", 13): _EXTERNAL,
    ("TensorProto", 14): _EXTERNAL,
}
