"""A checkpoint that does not fit is refused with the first tensor that does not fit, and with what to do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from modelctl import checkpoint, resnet50
from modelctl.bundle.errors import InvalidCheckpoint
from numpy.typing import NDArray

State = dict[str, NDArray[Any]]

SHAPES = {"conv1.weight": (64, 3, 7, 7), "bn1.running_var": (64,), "fc.weight": (4, 2048), "fc.bias": (4,)}


def good() -> State:
    return {name: np.ones(shape, np.float32) for name, shape in SHAPES.items()}


def having(name: str, value: NDArray[Any]) -> Callable[[State], State]:
    return lambda state: state | {name: value}


@pytest.mark.parametrize(
    "edit, reason",
    [
        pytest.param(lambda s: {}, "conv1.weight is missing; save model.state_dict()", id="empty"),
        pytest.param(
            lambda s: {k: v for k, v in s.items() if k != "fc.bias"},
            "fc.bias is missing; if the head was trained without one, add zeros",
            id="no-bias",
        ),
        pytest.param(
            lambda s: {k.replace("conv1.weight", "conv1.weight_orig"): v for k, v in s.items()},
            "conv1.weight is missing, but conv1.weight_orig is there: pruned",
            id="pruned",
        ),
        pytest.param(
            having("fc.weight", np.ones((1000, 2048), np.float32)),
            "fc.weight is [1000, 2048], must be [4, 2048]: the checkpoint has 1000 classes; set model.fc",
            id="a-thousand-classes",
        ),
        pytest.param(having("fc.weight", np.ones((4, 512), np.float32)), "another architecture", id="head-of-resnet18"),
        pytest.param(
            having("conv1.weight", np.ones((64, 1, 7, 7), np.float32)),
            "conv1.weight is [64, 1, 7, 7], must be [64, 3, 7, 7]; the checkpoint is of another architecture",
            id="grey-stem",
        ),
        pytest.param(having("layer5.weight", np.ones(1, np.float32)), "layer5.weight is no tensor", id="one-more"),
        pytest.param(having("fc.bias", np.ones(4, np.int8)), "fc.bias holds int8", id="quantized"),
        pytest.param(having("fc.bias", np.broadcast_to(np.array(None), 4)), "quantized or sparse", id="not-plain"),
        pytest.param(having("fc.bias", np.full(4, np.nan, np.float32)), "fc.bias holds NaN", id="nan"),
        pytest.param(having("fc.bias", np.full(4, 1e300)), "fc.bias holds NaN or infinity", id="beyond-fp32"),
        pytest.param(
            having("bn1.running_var", np.full(64, -1, np.float32)), "negative variance", id="negative-variance"
        ),
    ],
)
def test_names_the_first_offending_tensor(edit: Callable[[State], State], reason: str) -> None:
    with pytest.raises(InvalidCheckpoint) as refused:
        checkpoint.validate(edit(good()), SHAPES)
    assert reason in str(refused.value)


def test_takes_half_precision() -> None:
    state = {name: value.astype(np.float16) for name, value in good().items()}
    found = checkpoint.validate(state, SHAPES)
    assert list(found) == list(SHAPES)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}


def test_resnet50_has_the_published_number_of_parameters() -> None:
    """25,557,032 with 1000 classes (torchvision's documentation), without the running statistics."""
    shapes = resnet50.state_shapes(1000)
    trained = [shape for name, shape in shapes.items() if "running" not in name]
    assert sum(int(np.prod(shape)) for shape in trained) == 25_557_032
