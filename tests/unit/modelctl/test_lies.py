"""Lies in model.json and in the files it names: each is refused with the field's name."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.unpack import unpack

from tests.unit.modelctl import tars

Contents = dict[str, bytes]
Document = dict[str, Any]


def refusal(contents: Contents, tmp_path: Path) -> str:
    room = tmp_path / "room"
    room.mkdir()
    path = tars.write(tmp_path / "b.tar", tars.members(contents))
    with pytest.raises(InvalidBundle) as refused:
        unpack(path, room / "1")
    assert list(room.iterdir()) == []
    return str(refused.value)


def put(at: str, value: object) -> Callable[[Document], object]:
    """Sets the field at a path such as `preprocessing/scale`."""
    *parents, key = at.split("/")

    def edit(document: Document) -> None:
        for parent in parents:
            document = document[parent]
        document[key] = value

    return edit


def drop(key: str) -> Callable[[Document], object]:
    return lambda document: document.pop(key)


WINDOW = {"kind": "window", "center": 40, "width": 80}
PERCENTILE = {"kind": "percentile", "low": 1, "high": 99}


@pytest.mark.parametrize(
    "edit, reason",
    [
        pytest.param(drop("schemaVersion"), "schemaVersion is missing", id="no-schema-version"),
        pytest.param(put("schemaVersion", 3), "schemaVersion must be", id="another-schema-version"),
        pytest.param(put("model", "../other"), "model must be", id="model-traversal"),
        pytest.param(put("model", "other"), "config.pbtxt names model resnet_medical", id="another-model"),
        pytest.param(put("model", 1), "model must be", id="model-number"),
        pytest.param(put("version", 0), "version must be", id="version-zero"),
        pytest.param(put("version", True), "version must be", id="version-true"),
        pytest.param(put("version", 1.0), "version must be", id="version-float"),
        pytest.param(put("version", 2**70), "version must be", id="version-huge"),
        pytest.param(put("labels", ["a", "b", "c"]), "labels must be", id="three-labels"),
        pytest.param(put("labels", ["a", "b", "c", "c"]), "labels[3] repeats", id="labels-repeat"),
        pytest.param(put("labels", ["a", "b", "c", ""]), "labels[3] must be", id="label-empty"),
        pytest.param(put("labels", ["a", "b", "c", "\x1b[2J"]), "labels[3] must be", id="label-control"),
        pytest.param(put("labels", ["a", "b", "c", "\ud800"]), "labels[3] must be", id="label-surrogate"),
        pytest.param(put("labels", ["a", "b", "c", 4]), "labels[3] must be", id="label-number"),
        pytest.param(put("labels", {"a": 1}), "labels must be", id="labels-object"),
        pytest.param(put("preprocessing", []), "preprocessing must be an object", id="preprocessing-list"),
        pytest.param(put("preprocessing/resample", "cubic"), "preprocessing.resample must be", id="resample"),
        pytest.param(put("preprocessing/scale", 0), "preprocessing.scale must be", id="scale-zero"),
        pytest.param(put("preprocessing/scale", 10**400), "preprocessing.scale must be", id="scale-overflow"),
        pytest.param(put("preprocessing/scale", "1"), "preprocessing.scale must be", id="scale-string"),
        pytest.param(put("preprocessing/mean", [0, 0]), "preprocessing.mean must be", id="mean-short"),
        pytest.param(put("preprocessing/mean", [0, 0, None]), "preprocessing.mean[2] must be", id="mean-null"),
        pytest.param(put("preprocessing/std", [1, 0, 1]), "preprocessing.std[1] must be", id="std-zero"),
        pytest.param(put("preprocessing/intensity", 5), "preprocessing.intensity must be", id="intensity-number"),
        pytest.param(
            put("preprocessing/intensity", {"kind": "x"}), "preprocessing.intensity.kind must be", id="intensity-kind"
        ),
        pytest.param(
            put("preprocessing/intensity", WINDOW | {"width": 0}),
            "preprocessing.intensity.width must be",
            id="window-width",
        ),
        pytest.param(
            put("preprocessing/intensity", {"kind": "window", "width": 1}),
            "preprocessing.intensity.center is missing",
            id="window-center",
        ),
        pytest.param(
            put("preprocessing/intensity", PERCENTILE | {"low": 99}), "0 <= low < high <= 100", id="percentiles-equal"
        ),
        pytest.param(
            put("preprocessing/intensity", PERCENTILE | {"high": 101}), "0 <= low < high <= 100", id="percentile-101"
        ),
        pytest.param(put("opset", 18), "model.onnx has opset 17, model.json says 18", id="opset"),
        pytest.param(put("provenance", {"a": 1}), "provenance.a must be a string", id="provenance-number"),
        pytest.param(put("provenance", None), "provenance must be an object", id="provenance-null"),
        pytest.param(put("memoryBytes", 1), "memoryBytes in model.json is less", id="memory-too-small"),
        pytest.param(put("memoryBytes", -1), "memoryBytes must be", id="memory-negative"),
        pytest.param(put("memoryBytes", 1 << 60), "memoryBytes must be", id="memory-huge"),
        pytest.param(put("configSha256", "0" * 64), "configSha256 in model.json is not", id="config-hash"),
        pytest.param(put("configSha256", "A" * 64), "configSha256 must be", id="config-hash-capitals"),
        pytest.param(put("files/model.onnx/sha256", "0" * 64), "the sha256 of model.onnx", id="file-hash"),
        pytest.param(put("files/model.onnx/bytes", 9), "model.json says 9", id="file-size"),
        pytest.param(put("files/model.onnx/bytes", 3 << 30), "files.model.onnx.bytes must be", id="file-size-huge"),
        pytest.param(put("files/model.onnx", []), "files.model.onnx must be an object", id="file-list"),
        pytest.param(put("files/x", {}), "files must name exactly", id="another-file"),
        pytest.param(put("files/model.json", {}), "files must name exactly", id="itself"),
        pytest.param(lambda d: d["files"].pop("golden.npz"), "files must name exactly", id="a-file-missing"),
    ],
)
def test_a_lie_in_model_json_is_named(
    contents: Contents, tmp_path: Path, edit: Callable[[Document], object], reason: str
) -> None:
    assert reason in refusal(tars.lying(contents, edit), tmp_path)


@pytest.mark.parametrize(
    "text, reason",
    [
        pytest.param(b"\xff\xfe", "not UTF-8", id="not-utf-8"),
        pytest.param(b"{", "not JSON", id="cut"),
        pytest.param(b"[]", "must be a JSON object", id="a-list"),
        pytest.param(b"[" * 50_000, "nested too deeply", id="deep-lists"),
        pytest.param(b'{"a":' * 9_000 + b"1" + b"}" * 9_000, "nested too deeply", id="deep-objects"),
        pytest.param(b'{"a":[' * 17 + b"]}" * 17, "nested too deeply", id="34-levels"),
        pytest.param(b'{"a":[' * 16 + b"]}" * 16, "schemaVersion is missing", id="32-levels"),
        pytest.param(b'{"a": NaN}', "NaN is not a JSON number", id="nan"),
        pytest.param(b'{"a": 1, "a": 1}', "a key is there twice", id="duplicate-key"),
        pytest.param(b'{"version": ' + b"9" * 5_000 + b"}", "not JSON", id="a-number-of-5000-digits"),
        pytest.param(b" " * (512 << 10) + b"{}", "model.json claims 524290 bytes", id="huge"),
    ],
)
def test_model_json_that_cannot_be_read(contents: Contents, tmp_path: Path, text: bytes, reason: str) -> None:
    assert reason in refusal(contents | {"model.json": text}, tmp_path)


def test_unknown_fields_are_ignored(contents: Contents, tmp_path: Path) -> None:
    path = tars.write(tmp_path / "b.tar", tars.members(tars.lying(contents, put("later", {"x": 1}))))
    assert unpack(path, tmp_path / "1").version == 1


def npz(**arrays: np.ndarray) -> bytes:
    return zipped(zipfile.ZIP_DEFLATED, **{name: npy(array) for name, array in arrays.items()})


def zipped(compression: int = zipfile.ZIP_DEFLATED, **members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(f"{name}.npy", data)
    return out.getvalue()


def npy(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array)
    return out.getvalue()


def saved(**arrays: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.savez(out, allow_pickle=True, **arrays)
    return out.getvalue()


def moved(before_directory: bytes, after: bytes = b"") -> bytes:
    """GOOD with bytes before its directory, which the end record takes into account."""
    *end, start, comment_bytes = struct.unpack("<4s4H2LH", GOOD[-22:])
    record = struct.pack("<4s4H2LH", *end, start + len(before_directory), comment_bytes + len(after))
    return GOOD[:start] + before_directory + GOOD[start:-22] + record + after


def gap(hidden: bytes) -> bytes:
    return moved(hidden)


def commented(hidden: bytes) -> bytes:
    return moved(b"", hidden)


def padded(hidden: bytes) -> bytes:
    """GOOD with bytes after the deflated ones of the last member, whose packed size counts them."""
    changed = bytearray(moved(hidden))
    directory = struct.unpack("<L", changed[-6:-2])[0]
    local, central = changed.rindex(b"PK\x03\x04", 0, directory), changed.rindex(b"PK\x01\x02")
    for at in (local + 18, central + 20):
        size = struct.unpack_from("<L", changed, at)[0]
        struct.pack_into("<L", changed, at, size + len(hidden))
    return bytes(changed)


def evil(contents: Contents) -> bytes:
    """A header that numpy would evaluate as Python."""
    return npy(INPUTS).replace(b"'descr': '<f4'", b"'descr': [()]*9")


INPUTS = np.zeros((2, 3, 224, 224), np.float32)
PROBABILITIES = np.full((2, 4), 0.25, np.float32)
NAN = np.full((2, 4), np.nan, np.float32)
GOOD = npz(inputs=INPUTS, probabilities=PROBABILITIES)
LIBRARY = b"\x7fELF" + bytes(200)
BOMB = zipped(inputs=npy(INPUTS) + bytes(100 << 20), probabilities=npy(PROBABILITIES))


@pytest.mark.parametrize(
    "data, reason",
    [
        pytest.param(b"x" * 100, "cannot be read", id="no-zip"),
        pytest.param(npz(inputs=INPUTS), "it must hold probabilities.npy at", id="a-member-missing"),
        pytest.param(
            npz(inputs=INPUTS, probabilities=PROBABILITIES, more=INPUTS), "other bytes than a zip", id="a-member-more"
        ),
        pytest.param(npz(probabilities=PROBABILITIES, inputs=INPUTS), "it must hold inputs.npy at 0", id="the-order"),
        pytest.param(saved(inputs=INPUTS, probabilities=PROBABILITIES), "flags or extra fields", id="numpy's-own"),
        pytest.param(LIBRARY + GOOD, "does not begin as a zip does", id="a-library-before-it"),
        pytest.param(GOOD + LIBRARY, "more after the end", id="a-library-after-it"),
        pytest.param(gap(LIBRARY), "other bytes than a zip", id="a-library-within"),
        pytest.param(commented(LIBRARY), "other bytes than a zip", id="a-library-as-comment"),
        pytest.param(padded(LIBRARY), "packed bytes are cut, or there are more", id="a-library-in-a-member"),
        pytest.param(npz(inputs=INPUTS[:, :1], probabilities=PROBABILITIES), "inputs must be FP32", id="grey"),
        pytest.param(npz(inputs=INPUTS.astype("f8"), probabilities=PROBABILITIES), "inputs must be FP32", id="fp64"),
        pytest.param(npz(inputs=INPUTS[:0], probabilities=PROBABILITIES[:0]), "inputs must be FP32", id="none"),
        pytest.param(npz(inputs=INPUTS, probabilities=PROBABILITIES[:1]), "the same number of rows", id="row-missing"),
        pytest.param(npz(inputs=INPUTS, probabilities=NAN), "holds NaN", id="nan"),
        pytest.param(npz(inputs=INPUTS, probabilities=PROBABILITIES * 2), "sum to 1", id="no-probabilities"),
        pytest.param(npz(inputs=INPUTS, probabilities=-PROBABILITIES), "sum to 1", id="negative"),
        pytest.param(
            npz(inputs=np.array([{}], object), probabilities=PROBABILITIES), "inputs must be FP32", id="pickle"
        ),
        pytest.param(BOMB, "another length than its shape says", id="bomb"),
        pytest.param(
            zipped(inputs=npy(INPUTS)[:-4], probabilities=npy(PROBABILITIES)), "another length", id="array-cut"
        ),
        pytest.param(zipped(inputs=b"\x93NU", probabilities=npy(PROBABILITIES)), "cannot be read", id="header-cut"),
        pytest.param(
            zipped(zipfile.ZIP_LZMA, inputs=npy(INPUTS), probabilities=npy(PROBABILITIES)),
            "neither stored nor deflated",
            id="lzma",
        ),
        pytest.param(
            zipped(inputs=evil({}), probabilities=npy(PROBABILITIES)), "inputs must be FP32", id="python-in-the-header"
        ),
    ],
)
def test_golden_that_is_not_what_it_should_be(contents: Contents, tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in refusal(tars.honest(contents, golden_npz=data), tmp_path)


@pytest.mark.parametrize(
    "data, reason",
    [
        pytest.param(b"x", "not an ONNX model", id="a-letter"),
        pytest.param(b"\x00" * 64, "not an ONNX model", id="zeros"),
        pytest.param(b"\xff" * 64, "not an ONNX model", id="ones"),
        pytest.param(b"\x42\x7f", "not an ONNX model", id="a-field-that-runs-past-the-end"),
        pytest.param(b"<html>", "not an ONNX model", id="html"),
        pytest.param(b"\x08\x08\x42\x00\x3a\x00", "model.onnx has opset 0", id="an-empty-opset"),
        pytest.param(b"\x42\x02\x10\x11", "holds 0 graphs", id="four-bytes"),
    ],
)
def test_model_that_is_no_onnx(contents: Contents, tmp_path: Path, data: bytes, reason: str) -> None:
    assert reason in refusal(tars.honest(contents, model_onnx=data), tmp_path)


@pytest.mark.parametrize(
    "edit, reason",
    [
        pytest.param(lambda t: t + b"version_policy { all {} }", "has a version_policy", id="version-policy"),
        pytest.param(lambda t: t.replace(b"resnet_medical", b"other"), "names model other", id="another-name"),
        pytest.param(lambda t: t.replace(b"[ 4 ]", b"[ 5 ]"), "configSha256 in model.json", id="another-output"),
        pytest.param(lambda t: t + b"{", "config.pbtxt line 27", id="a-brace"),
        pytest.param(lambda t: b"\xff" + t, "not UTF-8", id="not-utf-8"),
    ],
)
def test_config_that_does_not_fit(
    contents: Contents, tmp_path: Path, edit: Callable[[bytes], bytes], reason: str
) -> None:
    changed = tars.honest(contents, config_pbtxt=edit(contents["config.pbtxt"]))
    assert reason in refusal(changed, tmp_path)


@pytest.mark.parametrize(
    "data", [GOOD, zipped(zipfile.ZIP_STORED, inputs=npy(INPUTS), probabilities=npy(PROBABILITIES))]
)
def test_a_good_golden_npz_is_taken(contents: Contents, tmp_path: Path, data: bytes) -> None:
    path = tars.write(tmp_path / "b.tar", tars.members(tars.honest(contents, golden_npz=data)))
    assert unpack(path, tmp_path / "1").version == 1
    for hidden in (gap(LIBRARY), commented(LIBRARY), padded(LIBRARY), LIBRARY + GOOD):
        with zipfile.ZipFile(io.BytesIO(hidden)) as archive:
            assert archive.testzip() is None, "any other reader takes what is refused above"


def test_model_json_is_written_in_canonical_form(contents: Contents) -> None:
    text = contents["model.json"].decode()
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
