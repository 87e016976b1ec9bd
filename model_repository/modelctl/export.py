"""Checkpoint -> ONNX: torchvision's ResNet50, opset 17, dynamic batch axis, tensors named as config.pbtxt says."""

from pathlib import Path

import onnx

from modelctl import checkpoint, resnet50
from modelctl.bundle import config
from modelctl.bundle.errors import ModelctlError
from modelctl.bundle.interface import interface
from modelctl.graph import Graph


def export(source: Path, out: Path, config_text: bytes) -> None:
    """Writes the ONNX model of the checkpoint at `source` to `out`; the head's width is the config's output size.

    Raises InvalidCheckpoint naming the first tensor that does not fit.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(build(checkpoint.read(source), config_text).SerializeToString(deterministic=True))


def build(state: checkpoint.State, config_text: bytes) -> onnx.ModelProto:
    """The checked model of a state dict; raises InvalidCheckpoint, or ModelctlError for another config."""
    tensors = interface(config.parse(config_text))
    if tensors.input_dims != (3, 224, 224) or len(tensors.output_dims) != 1:
        raise ModelctlError("config.pbtxt must have input dims [ 3, 224, 224 ] and one output dim; this is a ResNet50")
    weights = checkpoint.validate(state, resnet50.state_shapes(tensors.output_dims[0]))
    graph = Graph()
    logits = resnet50.add_classifier(graph, tensors.input_name, weights)
    graph.add("Identity", logits, output=tensors.output_name)
    model = graph.model(tensors)
    onnx.checker.check_model(model, full_check=True)
    return model
