"""Reads a checkpoint's file: its first bytes say of which kind it is, not its name. Nothing in it is executed."""

import re
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelctl.bundle.errors import InvalidCheckpoint

State = dict[str, NDArray[Any]]

_MAX_DEPTH = 8
_SAVE = "in the program that trained it, torch.save(model.state_dict(), 'weights.pth'), and give that file"
# Kinds that are not read: how such a file begins, what it is, and what to do.
_OTHERS = (
    (b"\x89HDF", "an HDF5 file, as Keras writes it", "write model.onnx with tf2onnx and go on with modelctl pack"),
    (b"\x1f\x8b", "compressed with gzip", "unpack it with gunzip"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself", "run git lfs pull"),
)
# What torch says of an object that is no tensor: 1.13, and since 2.4.
_REFUSED_OBJECT = re.compile(r"[Uu]nsupported (?:class|global: GLOBAL)\s+([\w.]+)")
_UNPICKLER = "WeightsUnpickler error:"
# How a file of torch.save begins that is no zip archive: with a number, pickled.
_LEGACY = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"


def read(path: Path) -> dict[str, Any]:
    """What the file holds: names -> arrays, and dicts of the same in it; everything else is left out.

    Half precision and bfloat16 come as FP32; a tensor that is no plain array of numbers (quantized, sparse) as one of
    None. Raises InvalidCheckpoint for a file that is no checkpoint, OSError for one that cannot be opened.
    """
    with path.open("rb") as file:
        start = file.read(512)
    _refuse_others(path, start)
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < path.stat().st_size:
        return dict(_read_safetensors(path))
    if start.startswith(b"PK"):
        _check_zip(path)
    elif start.startswith(b"\x80") and _LEGACY not in start[:32]:
        raise InvalidCheckpoint(f"{path.name} is a pickle, which is not loaded, as that can run code; {_SAVE}")
    elif not start.startswith(b"\x80"):
        raise InvalidCheckpoint(
            f"{path.name} is neither a .safetensors file nor one that torch.save wrote, or it is cut off; copy it again"
        )
    return _read_torch(path)


def _refuse_others(path: Path, start: bytes) -> None:
    for magic, kind, mend in _OTHERS:
        if start.startswith(magic):
            raise InvalidCheckpoint(f"{path.name} is {kind}; {mend}")
    if path.suffix == ".onnx":
        raise InvalidCheckpoint(f"{path.name} is an ONNX model, which needs no export; go on with modelctl pack")
    if start[257:262] == b"ustar":
        raise _of_tar(path)


def _of_tar(path: Path) -> InvalidCheckpoint:
    # Not left to torch, which unpacks it to the disk first.
    try:
        with tarfile.open(path) as tar:
            old = {"pickle", "storages"} <= set(tar.getnames())
    except tarfile.TarError:
        old = False
    if old:
        return InvalidCheckpoint(
            f"{path.name} is of torch before 0.1.10; save it again with torch 0.4 or later: {_SAVE}"
        )
    return InvalidCheckpoint(f"{path.name} is a tar archive; unpack it with tar -xf and give the checkpoint in it")


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = {name.partition("/")[2] for name in archive.namelist()}
    except zipfile.BadZipFile:
        raise InvalidCheckpoint(f"{path.name} is cut off or damaged; copy it again") from None
    if "data.pkl" not in members:
        raise InvalidCheckpoint(f"{path.name} is a zip archive without a checkpoint of torch.save; {_SAVE}")
    if "constants.pkl" in members:
        raise InvalidCheckpoint(
            f"{path.name} is a TorchScript model; "
            "torch.save(torch.jit.load(FILE, 'cpu').state_dict(), 'weights.pth'), and give that file"
        )


def _read_safetensors(path: Path) -> State:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found = load_file(path)
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error)[:200]
        raise InvalidCheckpoint(f"{path.name} is no readable .safetensors file ({reason}); save it as FP32") from None
    # numpy has no bfloat16 of its own.
    return {name: one.astype(np.float32) if one.dtype.name == "bfloat16" else one for name, one in found.items()}


def _read_torch(path: Path) -> dict[str, Any]:
    try:
        import torch
    except ImportError:
        raise InvalidCheckpoint(
            f"{path.name}: reading what torch.save wrote needs torch, which is not installed; "
            "where it is, save the state dict with safetensors.torch.save_file instead"
        ) from None
    try:
        # weights_only: a pickle may otherwise run any code.
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch raises what its unpickler and zip reader raise
        raise InvalidCheckpoint(f"{path.name} {explain(str(error))}") from None
    if not isinstance(loaded, Mapping):
        raise InvalidCheckpoint(f"{path.name} holds a {type(loaded).__name__}, not a state dict; {_SAVE}")
    return _arrays(loaded, torch)


def explain(text: str) -> str:
    """torch's words about a file, without its advice to load the file unsafely, and with what to do instead."""
    refused = _REFUSED_OBJECT.search(text)
    if refused:
        name = refused[1][:80]
        return f"holds objects besides tensors ({name}), which are not loaded, as that can run code; {_SAVE}"
    reason = (text.partition(_UNPICKLER)[2].strip().splitlines() or text.splitlines() or [""])[0]
    if "Unsupported operand" in reason:
        # Before 2.0 torch read not even plain numbers without running code.
        return f"holds what this torch does not read without running code; install torch 2.6, or {_SAVE}"
    if not reason or "weights_only" in reason:
        reason = "it holds more than tensors"
    return f"is no checkpoint that torch reads ({reason[:200]}); if it is not cut off, then {_SAVE}"


def _arrays(loaded: Mapping[Any, Any], torch: Any, depth: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in loaded.items():
        if not isinstance(name, str):
            continue
        if isinstance(value, torch.Tensor):
            found[name] = _array(value, torch)
        elif isinstance(value, Mapping) and depth < _MAX_DEPTH:
            found[name] = _arrays(value, torch, depth + 1)
    return found


def _array(tensor: Any, torch: Any) -> NDArray[Any]:
    plain = tensor.detach()
    if plain.dtype in (torch.float16, torch.bfloat16):
        plain = plain.float()
    try:
        return np.asarray(plain.numpy())
    except (RuntimeError, TypeError, NotImplementedError):
        return np.broadcast_to(np.array(None), tuple(tensor.shape))
