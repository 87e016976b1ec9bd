"""Reads a checkpoint of torchvision's ResNet50. An error names the first tensor that does not fit."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.bundle.errors import InvalidCheckpoint

State = dict[str, NDArray[Any]]

# torchvision counts the batches that each normalization has seen; inference does not need them.
_IGNORED_SUFFIX = ".num_batches_tracked"


def read(path: Path) -> State:
    """Name -> array of a `.safetensors` file, or of a `.pth` file where torch is installed. Nothing in it is executed.

    Raises InvalidCheckpoint for a file that is neither, OSError for one that cannot be opened.
    """
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix in (".pth", ".pt"):
        return _read_torch(path)
    raise InvalidCheckpoint(f"{path.name}: a checkpoint must be a .safetensors, .pth or .pt file")


def validate(
    state: Mapping[str, NDArray[Any]], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, NDArray[np.float32]]:
    """The tensors named in `shapes` as FP32; raises InvalidCheckpoint naming the first one that does not fit."""
    for name, shape in shapes.items():
        if name not in state:
            raise InvalidCheckpoint(_missing(name, state))
        _check(name, state[name], shape)
    for name in state:
        if name not in shapes and not name.endswith(_IGNORED_SUFFIX):
            raise InvalidCheckpoint(f"{name} is no tensor of ResNet50; save the state dict of torchvision's resnet50")
    return {name: np.asarray(state[name], np.float32) for name in shapes}


def _check(name: str, tensor: NDArray[Any], shape: tuple[int, ...]) -> None:
    if tensor.shape != shape:
        raise InvalidCheckpoint(_wrong_shape(name, tensor.shape, shape))
    if not np.issubdtype(tensor.dtype, np.floating):
        raise InvalidCheckpoint(f"{name} holds {tensor.dtype}, not floating-point numbers; save unquantized weights")
    # Not above the largest FP32 number: neither infinity nor NaN, now or after the conversion.
    if not (np.abs(tensor) <= np.finfo(np.float32).max).all():
        raise InvalidCheckpoint(f"{name} holds NaN or infinity; take a checkpoint from before the training diverged")
    if name.endswith("running_var") and tensor.min() < 0:
        raise InvalidCheckpoint(f"{name} holds a negative variance; the checkpoint is damaged, save it again")


def _missing(name: str, state: Mapping[str, NDArray[Any]]) -> str:
    prefixed = next((key for key in state if key.endswith(f".{name}")), None)
    if prefixed:
        prefix = prefixed.removesuffix(name)
        return f"{name} is missing, but {prefixed} is there; remove the prefix {prefix!r} from all names"
    return f"{name} is missing; save model.state_dict() of torchvision's resnet50 with a 4-class head"


def _wrong_shape(name: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    shapes = f"{name} is {list(found)}, must be {list(wanted)}"
    if name.startswith("fc.") and found[1:] == wanted[1:]:
        return (
            f"{shapes}: the checkpoint has {found[0]} classes; "
            f"set model.fc = nn.Linear(2048, {wanted[0]}) and train it before saving"
        )
    return f"{shapes}; the checkpoint is of another architecture than torchvision's resnet50"


def _read_safetensors(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    with path.open("rb"):
        pass  # raises the reason why a file does not open, which safetensors hides
    try:
        return dict(load_file(path))
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error)[:200]
        raise InvalidCheckpoint(f"{path.name} is no readable .safetensors file ({reason}); save it as FP32") from None


def _read_torch(path: Path) -> State:
    try:
        import torch
    except ImportError:
        raise InvalidCheckpoint(
            f"{path.name}: reading .pth needs torch, which is not installed; "
            "save the state dict with safetensors.torch.save_file instead"
        ) from None
    try:
        # weights_only: a pickle may otherwise run any code.
        loaded = torch.load(path, map_location="cpu", weights_only=True)
        loaded = loaded.get("state_dict", loaded)
        return {name: tensor.float().numpy() for name, tensor in loaded.items()}
    except OSError:
        raise
    except Exception as error:  # torch raises what its unpickler and zip reader raise
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InvalidCheckpoint(f"{path.name} holds no state dict ({reason}); save model.state_dict()") from None
