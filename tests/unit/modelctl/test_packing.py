"""`modelctl pack` with good and bad input."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from modelctl import packing, recording
from modelctl.bundle import config, golden
from modelctl.bundle.errors import InvalidBundle, ModelctlError
from modelctl.bundle.interface import Interface, interface
from modelctl.bundle.unpack import unpack
from modelctl.defaults import PREPROCESSING, default_config
from modelctl.demo import tiny
from modelctl.demo.variants import Weights
from modelctl.graph import Graph
from onnx import TensorProto, helper
from PIL import Image

TENSORS = interface(config.parse(default_config()))


def model(tensors: Interface = TENSORS) -> onnx.ModelProto:
    graph = Graph()
    logits = tiny.add_classifier(graph, tensors.input_name, Weights.STABLE)
    graph.add("Identity", logits, output=tensors.output_name)
    return graph.model(tensors)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `pack` takes: a model and golden images."""
    (tmp_path / "in" / "golden").mkdir(parents=True)
    onnx.save(model(), tmp_path / "in" / "model.onnx")
    for k in range(4):
        Image.fromarray(tiny.image(k, seed=k)).save(tmp_path / "in" / "golden" / f"{k}.png")
    return tmp_path / "in"


def pack(folder: Path, **given: Any) -> Path:
    path, _ = packing.pack(packing.find(folder, given), 3, {"trainedOn": "nothing"}, folder.parent / "out")
    return path


def test_packs_a_folder(folder: Path, tmp_path: Path) -> None:
    path = pack(folder)
    found = unpack(path, tmp_path / "3")
    recorded = golden.read(tmp_path / "3" / "golden.npz", found.contract)
    assert path.name == "resnet_medical-3.tar"
    assert (found.version, found.opset, dict(found.provenance)) == (3, 17, {"trainedOn": "nothing"})
    assert recorded.probabilities.argmax(axis=1).tolist() == [0, 1, 2, 3]
    assert (tmp_path / "3" / "config.pbtxt").read_bytes() == default_config()
    # The runtime alone takes some megabytes; a gigabyte would mean that something else was measured.
    assert 4 << 20 < found.memory_bytes < 1 << 30


def test_takes_labels_and_preprocessing_from_the_folder(folder: Path, tmp_path: Path) -> None:
    (folder / "labels.txt").write_text("A\nB\nC\nD\n")
    (folder / "preprocessing.json").write_text(
        '{"resample": "box", "scale": 1, "mean": [1, 2, 3], "std": [4, 5, 6], "intensity": {"kind": "voi"}}'
    )
    found = unpack(pack(folder), tmp_path / "3")
    pixels = golden.read(tmp_path / "3" / "golden.npz", found.contract).inputs
    assert found.labels == ("A", "B", "C", "D")
    assert (found.preprocessing.resample, found.preprocessing.std) == ("box", (4, 5, 6))
    assert pixels[0, :, 0, 0] == pytest.approx([(0 - 1) / 4, (0 - 2) / 5, (0 - 3) / 6])


def test_takes_files_as_windows_and_torch_write_them(folder: Path, tmp_path: Path) -> None:
    onnx.save_model(model(), folder / "model.onnx", save_as_external_data=True, location="model.onnx.data")
    (folder / "labels.txt").write_bytes(b"\xef\xbb\xbfA \r\nB\t\r\nC\r\nD\r\n")
    (folder / "config.pbtxt").write_bytes(b"\xef\xbb\xbf" + default_config())
    (folder / "preprocessing.json").write_bytes(
        b'\xef\xbb\xbf{"resample": "box", "scale": 1, "mean": [0, 0, 0], "std": [1, 1, 1]}'
    )
    found = unpack(pack(folder), tmp_path / "3")
    assert (found.labels, found.preprocessing.resample) == (("A", "B", "C", "D"), "box")
    assert (tmp_path / "3" / "config.pbtxt").read_bytes() == default_config()
    assert onnx.load(tmp_path / "3" / "model.onnx", load_external_data=False) == model()


def fixed_batch() -> onnx.ModelProto:
    fixed = model()
    fixed.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    return fixed


def in_half_precision() -> onnx.ModelProto:
    changed = model()
    changed.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    return changed


def depends_on_the_batch() -> onnx.ModelProto:
    """Like a batch normalization that was left in training mode."""
    graph = Graph()
    logits = tiny.add_classifier(graph, "input", Weights.STABLE)
    graph.add("Sub", logits, graph.add("ReduceMean", logits, axes=[0]), output="output")
    return graph.model(TENSORS)


def without_a_shape() -> onnx.ModelProto:
    changed = model()
    del changed.graph.output[:]
    changed.graph.output.append(helper.make_tensor_value_info("output", TensorProto.FLOAT, []))
    return changed


@pytest.mark.parametrize(
    "proto, reason",
    [
        pytest.param(model(Interface("image", (3, 224, 224), "output", (4,))), "has the input image", id="input-name"),
        pytest.param(model(Interface("input", (3, 224, 224), "y", (4,))), "has the output y", id="output-name"),
        pytest.param(model(Interface("input", (3, 256, 256), "output", (4,))), "input is [3, 256, 256]", id="size"),
        pytest.param(model(Interface("input", (3, 224, 224), "output", (5,))), "output is [5]", id="classes"),
        pytest.param(fixed_batch(), "the batch axis of input is fixed at 1", id="fixed-batch"),
        pytest.param(in_half_precision(), "export it with that type and shape", id="half-precision"),
        pytest.param(without_a_shape(), "output is []", id="no-shape"),
        pytest.param(depends_on_the_batch(), "differently for one image and for a batch", id="training-mode"),
        pytest.param(onnx.ModelProto(), "not a valid ONNX model", id="empty-model"),
    ],
)
def test_a_model_that_cannot_serve_is_refused(folder: Path, proto: onnx.ModelProto, reason: str) -> None:
    (folder / "model.onnx").write_bytes(proto.SerializeToString() or b"x")
    with pytest.raises(ModelctlError) as refused:
        pack(folder)
    assert reason in str(refused.value)
    assert list((folder.parent / "out").iterdir()) == []


def write(name: str, data: bytes) -> Any:
    return lambda folder: (folder / name).write_bytes(data)


@pytest.mark.parametrize(
    "spoil, reason",
    [
        pytest.param(write("labels.txt", b"A\nB\n"), "labels must be a list of 4", id="two-labels"),
        pytest.param(write("labels.txt", b"1 A\n2 B\n"), "labels.txt numbers its labels", id="numbered-labels"),
        pytest.param(write("preprocessing.json", b"{}"), "preprocessing.json: preprocessing.resample is", id="empty"),
        pytest.param(write("config.pbtxt", b"name:"), "config.pbtxt line 1", id="config-cut"),
        pytest.param(
            write("config.pbtxt", b'name: "a"'), "config.pbtxt names no platform", id="config-without-platform"
        ),
        pytest.param(
            write("config.pbtxt", b'name: "a" backend: "onnxruntime"'),
            "must name exactly one input",
            id="config-without-input",
        ),
        pytest.param(write("golden/x.png", b"x"), "x.png cannot be read as an image", id="no-image"),
        pytest.param(
            lambda folder: Image.new("CMYK", (9, 9)).save(folder / "golden" / "x.jpg"), "has mode CMYK", id="cmyk"
        ),
        pytest.param(
            lambda folder: [path.unlink() for path in (folder / "golden").iterdir()], "holds 0 images", id="no-images"
        ),
        pytest.param(
            lambda folder: (folder / "golden").rename(folder / "other"), "give --golden", id="no-golden-folder"
        ),
    ],
)
def test_a_file_beside_the_model_that_is_wrong_is_named(folder: Path, spoil: Any, reason: str) -> None:
    spoil(folder)
    with pytest.raises((ModelctlError, InvalidBundle)) as refused:
        pack(folder)
    assert reason in str(refused.value)


def test_golden_images_of_many_sizes_and_modes_become_one_batch(folder: Path) -> None:
    Image.new("RGB", (100, 300), (10, 20, 30)).save(folder / "golden" / "9.png")
    inputs = recording.read_images(folder / "golden", PREPROCESSING)
    assert inputs.shape == (5, 3, 224, 224)
    assert inputs[4, :, 5, 5] == pytest.approx(np.array([10, 20, 30]) / 255)
