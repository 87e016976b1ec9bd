"""ResNet50 weights without training: a seeded scale space that leaves enough for a linear head to tell lesions apart.

Independent random weights mix all channels until little is left after 50 layers. Here each channel keeps one meaning.
The stem thresholds the brightness at many levels. Each bottleneck takes single channels, blurs and thresholds them
again, and writes the result into channels of its own, while the shortcut carries the older ones on. Pooled at the end,
the channels say how much of the image is bright, dark, or on an edge, at many sizes. The statistics of the batch
normalizations are measured.
"""

import numpy as np
import onnx
from numpy.random import Generator
from numpy.typing import NDArray
from onnx import TensorProto, helper

from modelctl.bundle.interface import Interface
from modelctl.graph import Graph
from modelctl.resnet50 import BATCH_NORM_EPSILON, FEATURES, STEM, Block, Convolution, add_features, blocks, state_shapes
from modelctl.runtime import Run, load, outputs

Array = NDArray[np.float32]
State = dict[str, Array]

FEATURES_INTERFACE = Interface("input", (3, 224, 224), "features", (FEATURES,))

_SIGMAS = (0.6, 1.2, 2.0)
_BRIGHT, _DARK = 40, 12  # of the stem's 64 filters; the rest look for edges
_EDGE_SHARE = 0.1
_SHORTCUT = ".downsample."


def seeded(seed: int, sample: Array) -> State:
    """A state dict without a head; batch statistics are those of `sample` FP32 [N, 3, 224, 224]."""
    random = np.random.default_rng(seed)
    shapes = state_shapes(classes=1)
    state = {name: np.zeros(shape, np.float32) for name, shape in shapes.items() if not name.startswith("fc.")}
    _set_stem(state, random)
    stages: dict[str, list[Block]] = {}
    for block in blocks():
        stages.setdefault(block.branch[0].name.split(".")[0], []).append(block)
    for stage in stages.values():
        _set_stage(state, stage, random)
    return state | _measured(state, sample)


def features(state: State) -> Run:
    """Runs everything before the head: FP32 [N, 3, 224, 224] -> [N, 2048]."""
    return load(_features_model(state).SerializeToString())


def _features_model(state: State) -> onnx.ModelProto:
    graph = Graph()
    pooled = add_features(graph, FEATURES_INTERFACE.input_name, state)
    graph.add("Identity", pooled, output=FEATURES_INTERFACE.output_name)
    return graph.model(FEATURES_INTERFACE)


def _set_stem(state: State, random: Generator) -> None:
    filters = [_stem_filter(i, random) for i in range(STEM.outputs)]
    state["conv1.weight"] = np.stack([np.repeat(one[None], 3, axis=0) / 3 for one in filters]).astype(np.float32)
    # Most of a slice is black, so tissue and tumours lie several standard deviations above the mean.
    edges = STEM.outputs - _BRIGHT - _DARK
    ranges = [(-4, 0.5)] * _BRIGHT + [(-0.5, 1.5)] * _DARK + [(-2, 0)] * edges
    state["bn1.bias"] = np.array([random.uniform(low, high) for low, high in ranges], np.float32)
    state["bn1.weight"] = np.ones(STEM.outputs, np.float32)


def _stem_filter(i: int, random: Generator) -> NDArray[np.float64]:
    rows, columns = np.mgrid[-3:4, -3:4].astype(np.float64)
    sigma = _SIGMAS[i % len(_SIGMAS)]
    blur = np.exp(-(rows**2 + columns**2) / (2 * sigma**2))
    if i >= _BRIGHT + _DARK:
        angle = random.uniform(0, np.pi)
        blur *= np.cos(angle) * rows + np.sin(angle) * columns
    sign = -1 if _BRIGHT <= i < _BRIGHT + _DARK else 1
    return np.asarray(sign * blur / np.abs(blur).sum())


def _set_stage(state: State, stage: list[Block], random: Generator) -> None:
    """The shortcut fills the first half of the stage's channels, each block a share of the second half."""
    shares = np.array_split(np.arange(stage[0].branch[2].outputs), 2)
    for block, own in zip(stage, np.array_split(shares[1], len(stage)), strict=True):
        for conv in block.branch:
            _set_convolution(state, conv, random)
        _keep_only(state, block.branch[2], own)
        if block.shortcut:
            _set_convolution(state, block.shortcut, random)
            _keep_only(state, block.shortcut, shares[0])
            state[f"{block.shortcut.norm}.bias"][:] = 0


def _set_convolution(state: State, conv: Convolution, random: Generator) -> None:
    repeats = -(-conv.outputs // conv.inputs)
    chosen = np.concatenate([random.permutation(conv.inputs) for _ in range(repeats)])[: conv.outputs]
    weight = state[f"{conv.name}.weight"]
    for i, channel in enumerate(chosen):
        weight[i, channel] = 1 if conv.kernel == 1 else _small_filter(random)
    state[f"{conv.norm}.weight"] = np.ones(conv.outputs, np.float32)
    state[f"{conv.norm}.bias"] = random.uniform(-2, 0.5, conv.outputs).astype(np.float32)


def _small_filter(random: Generator) -> NDArray[np.float64]:
    blur, slope = np.array([1.0, 2.0, 1.0]), np.array([-1.0, 0.0, 1.0])
    if random.random() < _EDGE_SHARE:
        kernel = np.outer(blur, slope) if random.random() < 0.5 else np.outer(slope, blur)
    else:
        kernel = np.outer(blur, blur) if random.random() < 0.5 else np.ones((3, 3))
    return np.asarray(kernel / np.abs(kernel).sum())


def _keep_only(state: State, conv: Convolution, channels: NDArray[np.intp]) -> None:
    kept = np.isin(np.arange(conv.outputs), channels)
    for part in ("weight", "bias"):
        state[f"{conv.norm}.{part}"] *= kept


def _measured(state: State, sample: Array) -> State:
    """running_mean and running_var of every batch normalization, in one pass that normalizes by the batch itself."""
    graph, names = Graph(), list[str]()

    def normalize(graph: Graph, value: str, norm: str) -> str:
        mean, var = f"{norm}.running_mean", f"{norm}.running_var"
        names.extend((mean, var))
        graph.add("ReduceMean", value, axes=[0, 2, 3], output=mean)
        centered = graph.add("Sub", value, mean)
        graph.add("ReduceMean", graph.add("Mul", centered, centered), axes=[0, 2, 3], output=var)
        deviation = graph.add("Sqrt", graph.add("Add", var, graph.constant(BATCH_NORM_EPSILON, np.float32)))
        # A shortcut carries what is already non-negative: centering it would lose all below the mean in the next ReLU.
        scaled = graph.add("Div", value if _SHORTCUT in norm else centered, deviation)
        weight, bias = (graph.weight(f"{norm}.{part}", state[f"{norm}.{part}"][:, None, None]) for part in _AFFINE)
        return graph.add("Add", graph.add("Mul", scaled, weight), bias)

    pooled = add_features(graph, FEATURES_INTERFACE.input_name, state, normalize)
    graph.add("Identity", pooled, output=FEATURES_INTERFACE.output_name)
    model = graph.model(FEATURES_INTERFACE)
    model.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    measured = dict(zip(names, outputs(model.SerializeToString(), names, sample), strict=True))
    return {
        name: np.zeros(value.size, np.float32) if _SHORTCUT in name and name.endswith("mean") else value.reshape(-1)
        for name, value in measured.items()
    }


_AFFINE = ("weight", "bias")
