"""What a file is, its first bytes say; a file that is not read is refused with what to do."""

import importlib.util
import io
import tarfile
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from modelctl import checkpoint_file
from modelctl.bundle.errors import InvalidCheckpoint
from safetensors.numpy import save_file


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return data.getvalue()


def tarred(*names: str) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name))
    return data.getvalue()


@pytest.mark.parametrize(
    "name, data, reason",
    [
        pytest.param("a.safetensors", b"", "is neither a .safetensors file nor", id="empty"),
        pytest.param("a.safetensors", b"\xff" * 100, "is neither a .safetensors file nor", id="junk"),
        pytest.param("a.safetensors", b"\x02" + bytes(7) + b"{]", "no readable .safetensors file", id="no-header"),
        pytest.param("a.h5", b"\x89HDF\r\n", "an HDF5 file, as Keras writes it; write model.onnx with", id="keras"),
        pytest.param("a.pth.gz", b"\x1f\x8b\x08", "compressed with gzip; unpack it with gunzip", id="gzip"),
        pytest.param("a.pth", b"version https://git-lfs.github.com/spec/v1\n", "run git lfs pull", id="lfs-pointer"),
        pytest.param("a.onnx", b"\x08\x07", "needs no export; go on with modelctl pack", id="onnx"),
        pytest.param("a.pth.tar", tarred("best.pth"), "unpack it with tar -xf", id="a-real-tar"),
        pytest.param(
            "a.pth.tar", tarred("pickle", "storages"), "is of torch before 0.1.10; save it", id="oldest-torch"
        ),
        pytest.param("a.pth", zipped("a/data.pkl")[:-9], "cut off or damaged; copy it again", id="cut"),
        pytest.param("a.pkl", b"\x80\x04\x95", "is a pickle, which is not loaded, as that can run code", id="pickle"),
        pytest.param("a.zip", zipped("best.pth"), "a zip archive without a checkpoint of torch.save", id="a-real-zip"),
        pytest.param("a.pt", zipped("a/data.pkl", "a/constants.pkl"), "torch.jit.load(FILE, 'cpu')", id="torchscript"),
    ],
)
def test_a_file_that_is_no_checkpoint(tmp_path: Path, name: str, data: bytes, reason: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidCheckpoint) as refused:
        checkpoint_file.read(tmp_path / name)
    assert reason in str(refused.value)


@pytest.mark.parametrize("name", ["a.pth", "a.ckpt", "a.pth.tar", "a.bin", "a"])
@pytest.mark.parametrize(
    "data", [b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", zipped("a/data.pkl")], ids=["legacy", "zip"]
)
def test_a_file_of_torch_without_torch_names_the_way_round(tmp_path: Path, name: str, data: bytes) -> None:
    assert importlib.util.find_spec("torch") is None
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidCheckpoint, match=r"needs torch.*safetensors\.torch\.save_file"):
        checkpoint_file.read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.safetensors", "model.bin"])
def test_reads_safetensors_of_any_name_precision_and_metadata(tmp_path: Path, name: str) -> None:
    save_file(
        {"a": np.ones(3, np.float16), "b": np.full(2, 1.5, ml_dtypes.bfloat16)}, tmp_path / name, {"format": "pt"}
    )
    found = checkpoint_file.read(tmp_path / name)
    assert found["b"].dtype == np.float32
    assert {name: value.tolist() for name, value in found.items()} == {"a": [1, 1, 1], "b": [1.5, 1.5]}


@pytest.mark.parametrize(
    "text, reason",
    [
        pytest.param(
            "Weights only load failed. Re-running `torch.load` with `weights_only` set to `False` will likely succeed, "
            "but it can result in arbitrary code execution.Do it only if you get the file from a trusted source. "
            "WeightsUnpickler error: Unsupported class argparse.Namespace",
            "holds objects besides tensors (argparse.Namespace)",
            id="torch-1.13",
        ),
        pytest.param(
            "Weights only load failed. This file can still be loaded, to do so you have two options, do those steps "
            "only if you trust the source of the checkpoint.\n\t(1) In PyTorch 2.6, we changed the default value of "
            "the `weights_only` argument in `torch.load` from `False` to `True`. Re-running `torch.load` with "
            "`weights_only` set to `False` will likely succeed, but it can result in arbitrary code execution.\n\t(2) "
            "Alternatively, to load with `weights_only=True` please check the recommended steps in the following error "
            "message.\n\t"
            "WeightsUnpickler error: Unsupported global: GLOBAL numpy.core.multiarray.scalar was not an allowed global "
            "by default. Please use `torch.serialization.add_safe_globals([scalar])`",
            "holds objects besides tensors (numpy.core.multiarray.scalar)",
            id="torch-2.6",
        ),
        pytest.param(
            "Weights only load failed. Re-running `torch.load` with `weights_only` set to `False` will likely succeed",
            "it holds more than tensors",
            id="advice-alone",
        ),
        pytest.param(
            "Weights only load failed. Re-running `torch.load` with `weights_only` set to `False` will likely succeed. "
            "WeightsUnpickler error: Unsupported operand 71",
            "install torch 2.6",
            id="a-number-in-torch-1.13",
        ),
        pytest.param("Ran out of input", "is no checkpoint that torch reads (Ran out of input)", id="cut"),
        pytest.param("", "it holds more than tensors", id="no-words"),
    ],
)
def test_torch_s_advice_to_load_unsafely_is_not_passed_on(text: str, reason: str) -> None:
    words = checkpoint_file.explain(text)
    assert reason in words
    assert "in the program that trained it, torch.save(model.state_dict()" in words
    assert "weights_only" not in words and "add_safe_globals" not in words
