"""A bundle that does not follow the format exactly is refused with a reason, and leaves nothing on disk."""

import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from modelctl.bundle.archive import MAX_BYTES
from modelctl.bundle.errors import DigestMismatch, InvalidBundle
from modelctl.bundle.unpack import unpack
from modelctl.bundle.verify import Wanted, file_digest, verify

from tests.unit.modelctl import tars
from tests.unit.modelctl.tars import member, members

Contents = dict[str, bytes]
Entries = list[tuple[tarfile.TarInfo, bytes]]


def refusal(path: Path, tmp_path: Path, wanted: Wanted | None = None) -> str:
    """Unpacks a bundle that must be refused; returns the reason after checking that nothing was left."""
    room = tmp_path / "room"
    room.mkdir()
    with pytest.raises(InvalidBundle) as refused:
        unpack(path, room / "1", wanted)
    assert list(room.iterdir()) == []
    with pytest.raises(InvalidBundle):
        verify(path, wanted)
    reason = str(refused.value)
    assert "\n" not in reason and len(reason) < 400
    return reason


def with_first(contents: Contents, /, **fields: object) -> Entries:
    """A good bundle whose first entry's header is changed."""
    name, *rest = sorted(contents)
    return [member(name, contents[name], **fields), *members({key: contents[key] for key in rest})]


def a_link(contents: Contents, kind: bytes, target: str) -> Entries:
    entries = members(contents)
    entries[0] = member("config.pbtxt", type=kind, linkname=target)
    return entries


@pytest.mark.parametrize(
    "entries, reason",
    [
        pytest.param(lambda c: [member("../config.pbtxt", b"x"), *members(c)], "'../config.pbtxt'", id="traversal"),
        pytest.param(lambda c: [member("/etc/passwd", b"x"), *members(c)], "'/etc/passwd'", id="absolute"),
        pytest.param(lambda c: [member("1/model.onnx", b"x"), *members(c)], "'1/model.onnx'", id="subfolder"),
        pytest.param(lambda c: [member("./config.pbtxt", b"x"), *members(c)], "'./config.pbtxt'", id="dot-slash"),
        pytest.param(lambda c: [member("model", type=tarfile.DIRTYPE), *members(c)], "a directory", id="directory"),
        pytest.param(lambda c: a_link(c, tarfile.SYMTYPE, "/etc/passwd"), "a symbolic link", id="symbolic-link"),
        pytest.param(lambda c: a_link(c, tarfile.LNKTYPE, "model.onnx"), "a hard link", id="hard-link"),
        pytest.param(lambda c: a_link(c, tarfile.CHRTYPE, ""), "a character device", id="character-device"),
        pytest.param(lambda c: a_link(c, tarfile.BLKTYPE, ""), "a block device", id="block-device"),
        pytest.param(lambda c: a_link(c, tarfile.FIFOTYPE, ""), "a named pipe", id="named-pipe"),
        pytest.param(lambda c: a_link(c, tarfile.GNUTYPE_SPARSE, ""), "a sparse file", id="sparse-file"),
        pytest.param(lambda c: a_link(c, b"Z", ""), "the unknown type", id="unknown-type"),
        pytest.param(lambda c: [member("a.txt", b"x"), *members(c)], "'a.txt'", id="extra-member-first"),
        pytest.param(lambda c: [*members(c), member("z.txt", b"x")], "more after model.onnx", id="extra-member-last"),
        pytest.param(lambda c: members(c)[:1] + members(c), "twice", id="duplicate-member"),
        pytest.param(lambda c: [*members(c), members(c)[-1]], "more after", id="duplicate-last-member"),
        pytest.param(lambda c: members(c)[::-1], "where config.pbtxt belongs", id="wrong-order"),
        pytest.param(lambda c: members(c)[1:], "where config.pbtxt belongs", id="first-member-missing"),
        pytest.param(lambda c: members(c)[:3], "model.onnx is missing", id="last-member-missing"),
        pytest.param(lambda c: [], "config.pbtxt is missing", id="no-members"),
        pytest.param(lambda c: members(c | {"model.onnx": b""}), "model.onnx claims 0 bytes", id="empty-member"),
        pytest.param(lambda c: with_first(c, mtime=1), "not as modelctl writes it", id="a-time"),
        pytest.param(lambda c: with_first(c, uid=1000), "not as modelctl writes it", id="an-owner"),
        pytest.param(lambda c: with_first(c, mode=0o4755), "not as modelctl writes it", id="set-user-id"),
        pytest.param(lambda c: with_first(c, uname="root"), "not as modelctl writes it", id="an-owner-name"),
    ],
)
def test_refuses_entries(
    contents: Contents, tmp_path: Path, entries: Callable[[Contents], Entries], reason: str
) -> None:
    assert reason in refusal(tars.write(tmp_path / "b.tar", entries(contents)), tmp_path)


@pytest.mark.parametrize(
    "tar_format, fields, reason",
    [
        pytest.param(tarfile.PAX_FORMAT, {"pax_headers": {"comment": "x"}}, "an extended header", id="pax-header"),
        pytest.param(
            tarfile.PAX_FORMAT, {"pax_headers": {"GNU.sparse.major": "1"}}, "an extended header", id="pax-sparse"
        ),
        pytest.param(tarfile.GNU_FORMAT, {"name": "x" * 200}, "a long name", id="gnu-long-name"),
        pytest.param(tarfile.GNU_FORMAT, {}, "not as modelctl writes it", id="gnu-magic"),
    ],
)
def test_refuses_extended_formats(
    contents: Contents, tmp_path: Path, tar_format: int, fields: dict[str, object], reason: str
) -> None:
    path = tars.write(tmp_path / "b.tar", with_first(contents, **fields), tar_format)
    assert reason in refusal(path, tmp_path)


def test_refuses_a_global_extended_header(contents: Contents, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "b.tar", "w", format=tarfile.PAX_FORMAT, pax_headers={"comment": "x"}) as tar:
        for info, _ in members({"config.pbtxt": b""}):
            tar.addfile(info)
    assert "a global extended header" in refusal(tmp_path / "b.tar", tmp_path)


@pytest.mark.parametrize("kept", [0, 1, 511, 512, 600, 5_000, 20_000, -10_240, -512, -1])
def test_refuses_a_truncated_bundle(bundle: Path, tmp_path: Path, kept: int) -> None:
    (tmp_path / "b.tar").write_bytes(bundle.read_bytes()[:kept])
    assert "truncated" in (reason := refusal(tmp_path / "b.tar", tmp_path)) or "cut" in reason


@pytest.mark.parametrize(
    "tail, reason",
    [
        pytest.param(b"x", "more after model.onnx", id="a-byte"),
        pytest.param(b"\0" * 10_240, "added to", id="a-record-of-zeros"),
    ],
)
def test_refuses_a_longer_bundle(bundle: Path, tmp_path: Path, tail: bytes, reason: str) -> None:
    (tmp_path / "b.tar").write_bytes(bundle.read_bytes() + tail)
    assert reason in refusal(tmp_path / "b.tar", tmp_path)


@pytest.mark.parametrize(
    "data, reason",
    [
        pytest.param(b"", "empty or truncated", id="empty-file"),
        pytest.param(b"\0" * 10_240, "config.pbtxt is missing", id="zeros"),
        pytest.param(b"<html>not found</html>" * 100, "not a bundle", id="an-error-page"),
        pytest.param(b"\x1f\x8b" + b"\0" * 600, "not a bundle", id="gzip"),
        pytest.param(b"\xff" * 600, "not a bundle", id="ones"),
    ],
)
def test_refuses_what_is_no_tar(tmp_path: Path, data: bytes, reason: str) -> None:
    (tmp_path / "b.tar").write_bytes(data)
    assert reason in refusal(tmp_path / "b.tar", tmp_path)


@pytest.mark.parametrize("name", sorted(MAX_BYTES))
@pytest.mark.parametrize("extra_bytes", [1, 1 << 40], ids=["one-too-many", "a-tebibyte"])
def test_refuses_a_size_over_the_bound_without_reading_it(
    contents: Contents, tmp_path: Path, name: str, extra_bytes: int
) -> None:
    entries = members(contents)
    for info, _ in entries:
        if info.name == name:
            info.size = MAX_BYTES[name] + extra_bytes
    with (tmp_path / "b.tar").open("wb") as out:
        for info, data in entries:
            out.write(info.tobuf(tarfile.GNU_FORMAT if info.size >= 8 << 30 else tarfile.USTAR_FORMAT))
            out.write(data + bytes(-len(data) % 512))
    assert f"{name} claims" in refusal(tmp_path / "b.tar", tmp_path)


def test_refuses_a_sparse_bomb_whose_hole_only_the_file_system_holds(contents: Contents, tmp_path: Path) -> None:
    """A store may send a sparse file that costs it nothing. Only the limits of the format bound what is read."""
    entries = members(contents)
    entries[-1][0].size = 1 << 30
    with (tmp_path / "b.tar").open("wb") as out:
        for info, data in entries:
            out.write(info.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512))
        out.truncate(out.tell() + (1 << 30))
    reason = refusal(tmp_path / "b.tar", tmp_path)
    assert "added to" in reason or "model.json says" in reason


def test_refuses_padding_that_hides_bytes(bundle: Path, tmp_path: Path) -> None:
    data = bytearray(bundle.read_bytes())
    data[1023] = 1
    (tmp_path / "b.tar").write_bytes(data)
    assert "padding after config.pbtxt" in refusal(tmp_path / "b.tar", tmp_path)


@pytest.mark.parametrize("name", ["config.pbtxt", "golden.npz", "model.onnx"])
def test_refuses_a_file_whose_hash_differs(contents: Contents, tmp_path: Path, name: str) -> None:
    data = bytearray(contents[name])
    data[len(data) // 2] ^= 1
    path = tars.write(tmp_path / "b.tar", members(contents | {name: bytes(data)}))
    assert f"the sha256 of {name} is not the one in model.json" in refusal(path, tmp_path)


@pytest.mark.parametrize(
    "wanted, reason",
    [
        pytest.param(Wanted(digest="sha256:" + "0" * 64), "the bundle's digest is sha256:", id="another-digest"),
        pytest.param(Wanted(digest="0" * 64), "must be sha256: and 64", id="a-digest-without-prefix"),
        pytest.param(Wanted(digest="sha256:../../x"), "must be sha256: and 64", id="no-digest"),
        pytest.param(Wanted(model="other"), "holds model resnet_medical, wanted other", id="another-model"),
        pytest.param(Wanted(version=2), "holds version 1, wanted 2", id="another-version"),
    ],
)
def test_refuses_another_bundle_than_wanted(bundle: Path, tmp_path: Path, wanted: Wanted, reason: str) -> None:
    assert reason in refusal(bundle, tmp_path, wanted)


def test_a_digest_mismatch_has_a_type_of_its_own(bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(DigestMismatch):
        unpack(bundle, tmp_path / "1", Wanted(digest="sha256:" + "0" * 64))


def test_unpacks_a_good_bundle(bundle: Path, contents: Contents, tmp_path: Path) -> None:
    found = unpack(bundle, tmp_path / "1", Wanted(file_digest(bundle), "resnet_medical", 1))
    assert {path.name: path.read_bytes() for path in (tmp_path / "1").iterdir()} == contents
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert found.labels == ("Glioma", "Meningioma", "Pituitary", "No Tumor")


def test_does_not_touch_a_folder_that_is_there(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    with pytest.raises(InvalidBundle, match="exists already"):
        unpack(bundle, tmp_path / "1")
    assert list((tmp_path / "1").iterdir()) == []
