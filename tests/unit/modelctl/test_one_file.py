"""Weights beside model.onnx are packed into it; what lies outside its folder is not read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from modelctl import one_file
from modelctl.bundle.archive import MAX_BYTES
from modelctl.bundle.errors import ModelctlError
from modelctl.runtime import load
from onnx import TensorProto, helper, numpy_helper

WEIGHT = np.arange(64, dtype=np.float32)


def model() -> onnx.ModelProto:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 64]) for name in ("input", "output")]
    node = helper.make_node("Mul", ["input", "w"], ["output"])
    graph = helper.make_graph([node], "g", values[:1], values[1:], [numpy_helper.from_array(WEIGHT, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    out = tmp_path / "in" / "model.onnx"
    onnx.save_model(model(), out, save_as_external_data=True, location="model.onnx.data", size_threshold=0)
    return out


def test_weights_beside_the_model_are_packed_into_it(path: Path) -> None:
    whole = one_file.read(path)
    (path.parent / "model.onnx.data").unlink()
    assert load(whole)(np.ones((1, 64), np.float32))[0].tolist() == WEIGHT.tolist()


def test_one_file_stays_as_it_is(tmp_path: Path) -> None:
    for data in (model().SerializeToString(), b"no model"):
        (tmp_path / "model.onnx").write_bytes(data)
        assert one_file.read(tmp_path / "model.onnx") == data


def without_data(path: Path) -> None:
    (path.parent / "model.onnx.data").unlink()


def cut_data(path: Path) -> None:
    data = path.parent / "model.onnx.data"
    data.write_bytes(data.read_bytes()[:100])


def a_link(path: Path) -> None:
    data = path.parent / "model.onnx.data"
    data.rename(path.parents[1] / "secret")
    data.symlink_to(path.parents[1] / "secret")


def elsewhere(location: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        (path.parent / "model.onnx.data").rename(path.parents[1] / "secret")
        changed = onnx.load(path, load_external_data=False)
        entry = next(one for one in changed.graph.initializer[0].external_data if one.key == "location")
        entry.value = location.format(path.parents[1])
        path.write_bytes(changed.SerializeToString())

    return spoil


@pytest.mark.parametrize(
    "spoil, reason",
    [
        pytest.param(without_data, "keeps its weights in model.onnx.data, which is not beside it; copy", id="missing"),
        pytest.param(cut_data, "the weights of model.onnx in model.onnx.data cannot be read", id="cut"),
        pytest.param(a_link, "cannot be read", id="a-link"),
        pytest.param(elsewhere("../secret"), "cannot be read", id="a-folder-above"),
        pytest.param(elsewhere("{}/secret"), "cannot be read", id="absolute"),
    ],
)
def test_refused(path: Path, spoil: Callable[[Path], None], reason: str) -> None:
    spoil(path)
    with pytest.raises(ModelctlError) as refused:
        one_file.read(path)
    assert reason in str(refused.value)
    assert "external_data=False" in str(refused.value)


def test_a_model_of_over_2_gib_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MAX_BYTES, "model.onnx", 100)
    with pytest.raises(ModelctlError, match="more than 2 GiB"):
        one_file.read(path)
