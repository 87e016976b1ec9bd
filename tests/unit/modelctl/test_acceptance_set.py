"""Acceptance sets: made of a folder with a table, read without trust."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from modelctl.bundle import acceptance
from modelctl.bundle.acceptance import AcceptanceSet, Case
from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.verify import file_digest
from modelctl.main import main
from PIL import Image

GREY = np.arange(12, dtype=np.uint8).reshape(3, 4)
COLOUR = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
SET = AcceptanceSet(
    ("Glioma", "No Tumor"), 0.9, 0.5, (Case(GREY, frozenset({"Glioma"})), Case(COLOUR, frozenset({"No Tumor"})))
)


def folder(root: Path, table: str = "file,labels\na.png,Glioma\nb.png,No Tumor\n") -> Path:
    Image.fromarray(GREY).save(root / "a.png")
    Image.fromarray(COLOUR).save(root / "b.png")
    (root / "cases.csv").write_text(table)
    return root


def made(root: Path, *more: str) -> tuple[int, Path]:
    out = root / "set.npz"
    return main(["golden", str(root), "--out", str(out), "--min-right", "0.9", *more]), out


def test_what_is_written_is_read_back() -> None:
    found = acceptance.loads(acceptance.dump(SET))
    assert (found.labels, found.min_right, found.min_right_per_label) == (SET.labels, 0.9, 0.5)
    assert [case.labels for case in found.cases] == [case.labels for case in SET.cases]
    assert [np.array_equal(a.image, b.image) for a, b in zip(found.cases, SET.cases, strict=True)] == [True, True]
    assert acceptance.dump(found) == acceptance.dump(SET)


def test_a_folder_with_a_table_becomes_a_set_without_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = made(folder(tmp_path), "--min-right-per-label", "0.5")
    assert status == 0 and file_digest(out) in capsys.readouterr().out
    assert out.read_bytes() == acceptance.dump(SET)
    assert b"a.png" not in out.read_bytes() and "a.png" not in zipfile.ZipFile(out).read("cases.json").decode()


def test_large_images_are_reduced_on_request(tmp_path: Path) -> None:
    assert made(folder(tmp_path), "--max-side", "2")[0] == 0
    found = acceptance.loads((tmp_path / "set.npz").read_bytes())
    assert [max(case.image.shape[:2]) for case in found.cases] == [2, 2]


@pytest.mark.parametrize(
    ("table", "more", "words"),
    [
        pytest.param("a.png,Glioma\n", (), "must begin with the line file,labels", id="no-head"),
        pytest.param("file,labels\na.png\n", (), "line 2: write the name of a file", id="no-label"),
        pytest.param("file,labels\n", (), "labels must be a list", id="no-image"),
        pytest.param("file,labels\nc.png,Glioma\n", (), "c.png cannot be read as an image", id="no-such-image"),
        pytest.param("file,labels\n../a.png,Glioma\n", (), "is not in", id="outside"),
        pytest.param(
            "file,labels\na.png,Gliom\n", ("--labels", "Glioma"), "which --labels does not name", id="another-label"
        ),
        pytest.param("file,labels\na.png,Glioma\n", ("--min-right", "9"), "minRight must be a share", id="no-share"),
    ],
)
def test_what_cannot_be_made_names_the_fix(
    tmp_path: Path, table: str, more: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out = made(folder(tmp_path, table), *more)
    assert status == 1 and words in capsys.readouterr().err and not out.exists()


def changed(**changes: object) -> bytes:
    """The set with other fields in cases.json."""
    document = json.loads(zipfile.ZipFile(io.BytesIO(acceptance.dump(SET))).read("cases.json")) | changes
    return zipped(json.dumps(document).encode(), pixels(36))


def pixels(count: int, dtype: str = "|u1") -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.zeros(count, dtype), version=(1, 0))
    return buffer.getvalue()


def zipped(text: bytes, array: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in (("cases.json", text), ("pixels.npy", array)):
            archive.writestr(zipfile.ZipInfo(name), content)
    return out.getvalue()


CASE = {"height": 3, "width": 12, "channels": 1, "labels": ["Glioma"]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"\x7fELF" + acceptance.dump(SET), "does not begin as a zip", id="a-library-before-it"),
        pytest.param(acceptance.dump(SET)[:-30], "cannot be read", id="cut"),
        pytest.param(acceptance.dump(SET) + b"x", "more after the end", id="more-after-it"),
        pytest.param(changed(cases=[CASE]), "", id="as-it-shall-be"),
        pytest.param(changed(schemaVersion=2), "schemaVersion must be", id="another-schema"),
        pytest.param(changed(cases=[]), "cases must be a list of 1 to 256", id="no-case"),
        pytest.param(changed(cases=[CASE] * 257), "cases must be a list of 1 to 256", id="too-many-cases"),
        pytest.param(changed(cases=[CASE, CASE]), "ends before this image", id="too-few-pixels"),
        pytest.param(changed(cases=[CASE | {"width": 11}]), "more pixels than", id="too-many-pixels"),
        pytest.param(changed(cases=[CASE | {"width": 0}]), "cases[0].width must be", id="no-width"),
        pytest.param(changed(cases=[CASE | {"width": 5000}]), "cases[0].width must be", id="too-wide"),
        pytest.param(changed(cases=[CASE | {"channels": 2}]), "cases[0].channels must be 1", id="two-channels"),
        pytest.param(changed(cases=[CASE | {"labels": ["x"]}]), "cases[0].labels must be", id="an-unknown-label"),
        pytest.param(changed(cases=["x"]), "cases[0] must be an object", id="no-object"),
        pytest.param(changed(labels=[]), "labels must be a list", id="no-labels"),
        pytest.param(changed(minRight=1.5), "minRight must be a share", id="no-share"),
        pytest.param(changed(minRightPerLabel=None), "minRightPerLabel must be a number", id="no-number"),
        pytest.param(zipped(b"{}", pixels(36, "<f4")), "must hold bytes in one row", id="other-numbers"),
        pytest.param(zipped(b"{}", b"\x93NUMPY\x01\x00" + b"\x04\x00" + b"eval"), "bytes in one row", id="a-program"),
    ],
)
def test_a_file_is_read_without_trust(data: bytes, words: str) -> None:
    if not words:
        assert acceptance.loads(data).cases[0].image.shape == (3, 12)
        return
    with pytest.raises(InvalidBundle) as refused:
        acceptance.loads(data)
    assert words in str(refused.value)
