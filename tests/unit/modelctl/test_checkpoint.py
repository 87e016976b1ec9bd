"""A checkpoint that does not fit is refused with the first tensor that does not fit, and with what to do."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modelctl import checkpoint, resnet50
from modelctl.bundle.errors import InvalidCheckpoint
from numpy.typing import NDArray
from safetensors.numpy import save_file

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
            lambda s: {k: v for k, v in s.items() if k != "fc.bias"}, "fc.bias is missing; save", id="one-missing"
        ),
        pytest.param(
            lambda s: {f"module.{k}": v for k, v in s.items()},
            "conv1.weight is missing, but module.conv1.weight is there; remove the prefix 'module.'",
            id="data-parallel-prefix",
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


def test_takes_half_precision_and_batch_counts() -> None:
    state = {name: value.astype(np.float16) for name, value in good().items()}
    found = checkpoint.validate(state | {"bn1.num_batches_tracked": np.array(7)}, SHAPES)
    assert list(found) == list(SHAPES)
    assert {value.dtype for value in found.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    "name, data, reason",
    [
        pytest.param("a.safetensors", b"", "no readable .safetensors file", id="empty"),
        pytest.param("a.safetensors", b"\xff" * 100, "no readable .safetensors file", id="junk"),
        pytest.param("a.safetensors", b"\x02" + bytes(7) + b"[]", "no readable .safetensors file", id="a-list"),
        pytest.param("a.h5", b"x", "a checkpoint must be a .safetensors, .pth or .pt file", id="keras"),
    ],
)
def test_a_file_that_is_no_checkpoint(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidCheckpoint) as refused:
        checkpoint.read(tmp_path / name)
    assert reason in str(refused.value)


def test_a_pth_file_without_torch_names_the_way_round(tmp_path: Path) -> None:
    assert importlib.util.find_spec("torch") is None
    (tmp_path / "a.pth").write_bytes(b"x")
    with pytest.raises(InvalidCheckpoint, match=r"needs torch.*safetensors\.torch\.save_file"):
        checkpoint.read(tmp_path / "a.pth")


def test_reads_safetensors(tmp_path: Path) -> None:
    save_file(good(), tmp_path / "a.safetensors")
    assert {name: value.shape for name, value in checkpoint.read(tmp_path / "a.safetensors").items()} == SHAPES


def test_resnet50_has_the_published_number_of_parameters() -> None:
    """25,557,032 with 1000 classes (torchvision's documentation), without the running statistics."""
    shapes = resnet50.state_shapes(1000)
    trained = [shape for name, shape in shapes.items() if "running" not in name]
    assert sum(int(np.prod(shape)) for shape in trained) == 25_557_032
