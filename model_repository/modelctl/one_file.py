"""Reads a model.onnx together with the weights that exporters put beside it: torch 2.9 writes model.onnx.data."""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError, EncodeError
from onnx import external_data_helper

from modelctl.bundle.archive import MAX_BYTES
from modelctl.bundle.errors import ModelctlError

_AGAIN = "export it again into one file: torch.onnx.export(..., external_data=False)"


def read(path: Path) -> bytes:
    """The model as one ONNX file; the bytes as they are where it is one already, or no ONNX model.

    Data is read only from the model's own folder. Raises ModelctlError when it is not there or too large.
    """
    data = path.read_bytes()
    try:
        model = onnx.load_from_string(data)
    except (DecodeError, ValueError):
        return data
    outside = [
        one for one in external_data_helper._get_all_tensors(model) if external_data_helper.uses_external_data(one)
    ]
    if not outside:
        return data
    names = sorted({external_data_helper.ExternalDataInfo(tensor).location for tensor in outside})
    try:
        # Refuses links and what lies outside the folder.
        external_data_helper.load_external_data_for_model(model, str(path.parent))
        whole: bytes = model.SerializeToString(deterministic=True)
    except EncodeError:
        raise _too_large(path) from None
    except Exception as error:  # the checks are C++ and raise what has no common base
        raise ModelctlError(_unread(path, names, error)) from None
    if len(whole) > MAX_BYTES["model.onnx"]:
        raise _too_large(path)
    return whole


def _unread(path: Path, names: list[str], error: Exception) -> str:
    missing = [name for name in names if not (path.parent / name).exists()]
    if missing:
        return (
            f"{path.name} keeps its weights in {_shown(missing)}, which is not beside it; "
            f"copy it there under that name, or {_AGAIN}"
        )
    reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return f"the weights of {path.name} in {_shown(names)} cannot be read ({reason}); {_AGAIN}"


def _too_large(path: Path) -> ModelctlError:
    return ModelctlError(f"{path.name} with its weights has more than 2 GiB, which one ONNX file cannot hold")


def _shown(names: list[str]) -> str:
    return ", ".join(ascii(name)[1:-1][:80] for name in names[:3])
