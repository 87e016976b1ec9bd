"""Checks the weights of torchvision's ResNet50. An error names the first tensor that does not fit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.bundle.errors import InvalidCheckpoint
from modelctl.state_dict import ANOTHER_WAY

State = dict[str, NDArray[Any]]


def validate(
    state: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[np.float32]]:
    """The tensors named in `shapes` as FP32; raises InvalidCheckpoint naming the first one that does not fit."""
    for name, shape in shapes.items():
        if name not in state:
            raise InvalidCheckpoint(_missing(name, state))
        _check(name, state[name], shape)
    for name in state:
        if name not in shapes:
            raise InvalidCheckpoint(
                f"{ascii(name)[1:-1][:80]} is no tensor of ResNet50; "
                f"save the state dict of torchvision's resnet50, {ANOTHER_WAY}"
            )
    return {name: np.asarray(state[name], np.float32) for name in shapes}


def _check(name: str, tensor: NDArray[Any], shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise InvalidCheckpoint(_wrong_shape(name, tensor.shape, shape))
    if tensor.dtype == object:
        raise InvalidCheckpoint(f"{name} is quantized or sparse; save plain weights")
    if not np.issubdtype(tensor.dtype, np.floating):
        raise InvalidCheckpoint(f"{name} holds {tensor.dtype}, not floating-point numbers; save unquantized weights")
    # Not above the largest FP32 number: neither infinity nor NaN, now or after the conversion.
    if not (np.abs(tensor) <= np.finfo(np.float32).max).all():
        raise InvalidCheckpoint(f"{name} holds NaN or infinity; take a checkpoint from before the training diverged")
    if name.endswith("running_var") and tensor.min() < 0:
        raise InvalidCheckpoint(f"{name} holds a negative variance; the checkpoint is damaged, save it again")


def _missing(name: str, state: Mapping[str, NDArray[Any]]) -> str:
    parent, _, part = name.rpartition(".")
    changed = [f"{parent}.{part}_orig", f"{parent}.{part}_g", f"{parent}.parametrizations.{part}.original"]
    other = next((key for key in state if key.startswith(tuple(changed))), None)
    if other:
        return (
            f"{name} is missing, but {ascii(other)[1:-1][:80]} is there: pruned or normalized weights; "
            "make them plain before saving, with torch.nn.utils.prune.remove, remove_weight_norm or "
            "parametrize.remove_parametrizations"
        )
    if name == "fc.bias":
        return (
            f"{name} is missing; if the head was trained without one, add zeros: torch.zeros(len(state['fc.weight']))"
        )
    return f"{name} is missing; save model.state_dict() of torchvision's resnet50 with a head of its own, {ANOTHER_WAY}"


def _wrong_shape(name: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    shapes = f"{name} is {list(found)}, must be {list(wanted)}"
    if name.startswith("fc.") and found[1:] == wanted[1:]:
        return (
            f"{shapes}: the checkpoint has {found[0]} classes; "
            f"set model.fc = nn.Linear(2048, {wanted[0]}) and train it before saving, "
            f"or, if these are the model's classes, give --config with output dims [ {found[0]} ]"
        )
    return (
        f"{shapes}; the checkpoint is of another architecture than torchvision's resnet50: "
        "write model.onnx with torch.onnx.export and go on with modelctl pack"
    )
