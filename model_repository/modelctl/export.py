"""Checkpoint -> ONNX: torchvision's ResNet50, opset 17, dynamic batch axis, tensors named as config.pbtxt says."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx

from modelctl import checkpoint, checkpoint_file, resnet50, state_dict
from modelctl.bundle import config
from modelctl.bundle.errors import ModelctlError
from modelctl.bundle.interface import interface
from modelctl.graph import Graph


def export(source: Path, out: Path, config_text: bytes, chosen: str = "") -> str:
    """Writes the ONNX model of the checkpoint at `source` to `out`; the head's width is the config's output size.

    `chosen` names the weights where the checkpoint holds several. Returns words on where the weights were found.
    Raises InvalidCheckpoint naming the first tensor that does not fit.
    """
    model, origin = build(checkpoint_file.read(source), config_text, chosen)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(model.SerializeToString(deterministic=True))
    return origin


def build(document: Mapping[str, Any], config_text: bytes, chosen: str = "") -> tuple[onnx.ModelProto, str]:
    """The checked model of a checkpoint's content, and where its weights were.

    Raises InvalidCheckpoint, or ModelctlError for another config.
    """
    tensors = interface(config.parse(config_text))
    if tensors.input_dims != (3, 224, 224) or len(tensors.output_dims) != 1:
        raise ModelctlError("config.pbtxt must have input dims [ 3, 224, 224 ] and one output dim; this is a ResNet50")
    shapes = resnet50.state_shapes(tensors.output_dims[0])
    found = state_dict.find(document, list(shapes), chosen)
    weights = checkpoint.validate(found.tensors, shapes)
    graph = Graph()
    logits = resnet50.add_classifier(graph, tensors.input_name, weights)
    graph.add("Identity", logits, output=tensors.output_name)
    model = graph.model(tensors)
    onnx.checker.check_model(model, full_check=True)
    return model, found.origin
