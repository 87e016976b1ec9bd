"""torchvision's ResNet50 (He et al. 2015; "v1.5": the stride sits in the 3x3 convolution) as an ONNX graph.

Tensor names and shapes are those of torchvision's state dict, so that a checkpoint fits as it is.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from modelctl.graph import Graph

FEATURES = 2048
BATCH_NORM_EPSILON = 1e-5

_BLOCKS = (3, 4, 6, 3)
_WIDTHS = (64, 128, 256, 512)
_EXPANSION = 4

Weights = Mapping[str, NDArray[np.float32]]
Normalize = Callable[[Graph, str, str], str]
"""Adds the normalization named in the third argument to the tensor named in the second."""


@dataclass(frozen=True)
class Convolution:
    """One convolution and the batch normalization after it, named as in the state dict."""

    name: str
    norm: str
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class Block:
    """A bottleneck: 1x1, 3x3, 1x1; `shortcut` is the projection of a stage's first block."""

    branch: tuple[Convolution, Convolution, Convolution]
    shortcut: Convolution | None


STEM = Convolution("conv1", "bn1", 3, 64, kernel=7, stride=2)


def blocks() -> Iterator[Block]:
    """The sixteen bottlenecks in order."""
    inputs = STEM.outputs
    for stage, (count, width) in enumerate(zip(_BLOCKS, _WIDTHS, strict=True)):
        for i in range(count):
            stride = 2 if i == 0 and stage > 0 else 1
            yield _block(f"layer{stage + 1}.{i}", inputs, width, stride, project=i == 0)
            inputs = width * _EXPANSION


def convolutions() -> Iterator[Convolution]:
    """All 53 convolutions, in the state dict's order."""
    yield STEM
    for block in blocks():
        yield from block.branch
        if block.shortcut:
            yield block.shortcut


def state_shapes(classes: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor that inference needs, in the state dict's order."""
    shapes: dict[str, tuple[int, ...]] = {}
    for conv in convolutions():
        shapes[f"{conv.name}.weight"] = (conv.outputs, conv.inputs, conv.kernel, conv.kernel)
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{conv.norm}.{part}"] = (conv.outputs,)
    return shapes | {"fc.weight": (classes, FEATURES), "fc.bias": (classes,)}


def add_classifier(graph: Graph, images: str, weights: Weights) -> str:
    """Adds the whole network on `images` FP32 [N, 3, 224, 224]; returns its logits FP32 [N, classes]."""
    features = add_features(graph, images, weights)
    head = (graph.weight(name, weights[name]) for name in ("fc.weight", "fc.bias"))
    return graph.add("Gemm", features, *head, transB=1)


def add_features(graph: Graph, images: str, weights: Weights, normalize: Normalize | None = None) -> str:
    """Adds everything before the head; returns the pooled features FP32 [N, 2048].

    `normalize` takes the place of the batch normalization with the running statistics in `weights`.
    """
    normalize = normalize or _batch_norm(weights)

    def convolve(conv: Convolution, value: str) -> str:
        sides = [conv.kernel // 2] * 4
        weight = graph.weight(f"{conv.name}.weight", weights[f"{conv.name}.weight"])
        value = graph.add("Conv", value, weight, pads=sides, strides=[conv.stride] * 2, kernel_shape=[conv.kernel] * 2)
        return normalize(graph, value, conv.norm)

    value = graph.add("Relu", convolve(STEM, images))
    value = graph.add("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    for block in blocks():
        branch = value
        for conv in block.branch[:2]:
            branch = graph.add("Relu", convolve(conv, branch))
        branch = convolve(block.branch[2], branch)
        shortcut = convolve(block.shortcut, value) if block.shortcut else value
        value = graph.add("Relu", graph.add("Add", branch, shortcut))
    return graph.add("Flatten", graph.add("GlobalAveragePool", value))


def _batch_norm(weights: Weights) -> Normalize:
    def normalize(graph: Graph, value: str, norm: str) -> str:
        parts = (f"{norm}.{part}" for part in ("weight", "bias", "running_mean", "running_var"))
        inputs = (graph.weight(name, weights[name]) for name in parts)
        return graph.add("BatchNormalization", value, *inputs, epsilon=BATCH_NORM_EPSILON)

    return normalize


def _block(name: str, inputs: int, width: int, stride: int, project: bool) -> Block:
    outputs = width * _EXPANSION
    branch = (
        Convolution(f"{name}.conv1", f"{name}.bn1", inputs, width, kernel=1),
        Convolution(f"{name}.conv2", f"{name}.bn2", width, width, kernel=3, stride=stride),
        Convolution(f"{name}.conv3", f"{name}.bn3", width, outputs, kernel=1),
    )
    shortcut = Convolution(f"{name}.downsample.0", f"{name}.downsample.1", inputs, outputs, 1, stride)
    return Block(branch, shortcut if project else None)
