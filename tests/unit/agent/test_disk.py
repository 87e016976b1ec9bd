"""What the agent keeps on disk: files, bundles, the model repository."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from modelctl.bundle.archive import MEMBERS
from modelctl.bundle.errors import InvalidBundle
from replica_agent.bundles import Bundles
from replica_agent.files import empty_folder, remove_folder, write_atomic
from replica_agent.plan import Release
from replica_agent.repository import Repository

from ci.stack.documents import digest_of
from tests.unit.agent.bundles import CONFIG, bundle, make, release

MODEL = "resnet_medical"


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", b"1")
    write_atomic(tmp_path / "a", b"2")
    assert (tmp_path / "a").read_bytes() == b"2" and [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_vanishes_and_a_missing_one_is_no_error(tmp_path: Path) -> None:
    staging, folder = tmp_path / "staging", tmp_path / "folder"
    empty_folder(staging)
    (folder / "deep").mkdir(parents=True)
    for _ in range(2):
        remove_folder(folder, staging)
        assert not folder.exists() and not list(staging.iterdir())


def add(cache: Bundles, version: int) -> str:
    wanted = release(version)
    with cache.partial() as partial:
        partial.write_bytes(bundle(version).read_bytes())
        cache.add(partial, wanted.digest, MODEL, version)
    return wanted.digest


def test_a_verified_bundle_is_kept_under_its_digest(tmp_path: Path) -> None:
    cache = Bundles(tmp_path)
    digest = add(cache, 1)
    assert cache.all().keys() == Bundles(tmp_path).all().keys() == {digest}
    assert cache.all()[digest].memory_bytes == 1000
    path = cache.path(digest)
    assert path and digest_of(path) == digest
    cache.discard(digest)
    assert cache.path(digest) is None and not list(tmp_path.iterdir())


# modelctl sees two entries of a map, protobuf the last one.
READ_TWICE = b"""
parameters { key: "intra_op_thread_count" value { string_value: "1" } }
parameters { key: "intra_op_thread_count" value { string_value: "2" } }
"""


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(b"", "empty or truncated", id="empty"),
        pytest.param(bytes(10240), "missing", id="zeros"),
        pytest.param(
            make(config=CONFIG + READ_TWICE).read_bytes(),
            "means something else to protobuf",
            id="config-of-two-readings",
        ),
    ],
)
def test_what_is_no_bundle_leaves_nothing(tmp_path: Path, content: bytes, complaint: str) -> None:
    cache = Bundles(tmp_path)
    with pytest.raises(InvalidBundle, match=complaint), cache.partial() as partial:
        partial.write_bytes(content)
        cache.add(partial, "sha256:" + "0" * 64, MODEL, 1)
    assert not list(tmp_path.iterdir())


def test_what_a_crash_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / "x.part").write_bytes(b"half")
    (tmp_path / f"{'0' * 64}.tar").write_bytes(b"damaged")
    assert Bundles(tmp_path).all() == {} and not list(tmp_path.iterdir())


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    empty_folder(tmp_path / "staging")
    return Repository(tmp_path / "repository", tmp_path / "staging", "KIND_CPU")


def test_a_domain_that_the_settings_add_is_taken(tmp_path: Path) -> None:
    foreign = make(onnx=onnx_of_domain("ai.onnx.ml"), operator_domains=("ai.onnx.ml",))
    wanted = Release(version=1, uri="file:///x", digest=digest_of(foreign))
    empty_folder(tmp_path / "staging")
    for domains in ((), ("ai.onnx.ml",)):
        cache = Bundles(tmp_path / "bundles", domains)
        repository = Repository(tmp_path / "repository", tmp_path / "staging", "KIND_CPU", domains)
        with contextlib.nullcontext() if domains else pytest.raises(InvalidBundle, match=r"the domain ai\.onnx\.ml"):
            repository.install(MODEL, wanted, foreign)
        with (
            contextlib.nullcontext() if domains else pytest.raises(InvalidBundle, match=r"the domain ai\.onnx\.ml"),
            cache.partial() as partial,
        ):
            partial.write_bytes(foreign.read_bytes())
            cache.add(partial, wanted.digest, MODEL, 1)
    assert list(repository.installed(MODEL)) == [1]
    reborn = Repository(tmp_path / "repository", tmp_path / "staging", "KIND_CPU")
    assert reborn.installed(MODEL) == {}, "what an agent with other settings unpacked is not loaded"


def onnx_of_domain(domain: str) -> bytes:
    """A graph with one node of this domain."""
    node = b"\x3a" + bytes([len(domain)]) + domain.encode()
    graph = b"\x0a" + bytes([len(node)]) + node
    return b"\x42\x04\x0a\x00\x10\x11\x3a" + bytes([len(graph)]) + graph


def test_a_version_directory_appears_whole_with_its_digest(repository: Repository, tmp_path: Path) -> None:
    repository.install(MODEL, release(1), bundle(1))
    found = repository.installed(MODEL)
    assert {version: installed.digest for version, installed in found.items()} == {1: release(1).digest}
    assert found[1].facts.memory_bytes == 1000
    assert not list((tmp_path / "staging").iterdir())
    reborn = Repository(tmp_path / "repository", tmp_path / "staging", "KIND_CPU")
    assert reborn.installed(MODEL) == found
    repository.discard(MODEL, 1)
    assert repository.installed(MODEL) == {} and not (tmp_path / "repository" / MODEL / "1").exists()


def test_a_damaged_version_directory_is_none_and_is_replaced(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "repository" / MODEL / "1").mkdir(parents=True)
    assert repository.installed(MODEL) == {}
    repository.install(MODEL, release(1), bundle(1))
    assert list(repository.installed(MODEL)) == [1]


def test_a_damaged_cached_bundle_is_not_unpacked(repository: Repository, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.tar"
    damaged.write_bytes(bundle(1).read_bytes().replace(b"Glioma", b"Gliomb"))
    with pytest.raises(InvalidBundle):
        repository.install(MODEL, release(1), damaged)
    assert repository.installed(MODEL) == {} and not list((tmp_path / "staging").iterdir())


def test_only_the_version_itself_lies_in_the_models_folder(repository: Repository, tmp_path: Path) -> None:
    """Triton reloads everything when any other file there is newer."""
    repository.install(MODEL, release(1), bundle(1))
    repository.pin(MODEL, 1)
    assert sorted(os.listdir(tmp_path / "repository" / MODEL)) == ["1", "config.pbtxt"]


def test_pinned_is_what_pin_would_write_now(repository: Repository, tmp_path: Path) -> None:
    assert repository.pinned(MODEL) is None
    for version in (1, 2):
        repository.install(MODEL, release(version), bundle(version))
        repository.pin(MODEL, version)
        assert repository.pinned(MODEL) == version
    other_kind = Repository(tmp_path / "repository", tmp_path / "staging", "KIND_GPU")
    assert other_kind.pinned(MODEL) is None
    (tmp_path / "repository" / MODEL / "config.pbtxt").write_text("by hand")
    assert repository.pinned(MODEL) is None


def spoil(name: str) -> Callable[[Path], object]:
    def flip(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)

    return flip


def empty(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).touch()


def by_the_same_agent(repository: Repository, _: Path) -> Repository:
    return repository


def by_a_later_agent(_: Repository, folder: Path) -> Repository:
    """It did not unpack the files, and knows the digest of their bundle only."""
    return Repository(folder / "repository", folder / "staging", "KIND_CPU")


@pytest.mark.parametrize("checker", [by_the_same_agent, by_a_later_agent])
@pytest.mark.parametrize(
    "change, complaint",
    [
        *(pytest.param(spoil(name), "were changed on disk", id=f"a-bit-of-{name}") for name in MEMBERS),
        pytest.param(lambda folder: (folder / "golden.npz").unlink(), "golden.npz", id="a-file-gone"),
        pytest.param(empty("libtriton_onnxruntime.so"), "put libtriton_onnxruntime.so beside", id="a-library"),
    ],
)
def test_a_version_whose_files_changed_is_deleted_before_a_load(
    repository: Repository,
    tmp_path: Path,
    change: Callable[[Path], object],
    complaint: str,
    checker: Callable[[Repository, Path], Repository],
) -> None:
    repository.install(MODEL, release(1), bundle(1))
    repository = checker(repository, tmp_path)
    repository.check(MODEL, release(1))
    change(tmp_path / "repository" / MODEL / "1")
    with pytest.raises((InvalidBundle, OSError), match=complaint):
        repository.check(MODEL, release(1))
    assert repository.installed(MODEL) == {} and not (tmp_path / "repository" / MODEL / "1").exists()


def test_files_are_compared_with_the_bundle_that_the_plan_names(repository: Repository) -> None:
    repository.install(MODEL, release(1), bundle(1))
    with pytest.raises(InvalidBundle, match=r"were changed on disk"):
        repository.check(MODEL, release(1).model_copy(update={"digest": "sha256:" + 64 * "0"}))


def test_a_library_in_the_models_folder_is_named(repository: Repository, tmp_path: Path) -> None:
    """The agent did not make it, so it is for people to look at."""
    repository.install(MODEL, release(1), bundle(1))
    repository.pin(MODEL, 1)
    (tmp_path / "repository" / MODEL / ".nfs0001").touch()
    repository.check(MODEL, release(1))
    (tmp_path / "repository" / MODEL / "libtriton_onnxruntime.so").touch()
    with pytest.raises(InvalidBundle, match=r"put libtriton_onnxruntime\.so into"):
        repository.check(MODEL, release(1))
    assert list(repository.installed(MODEL)) == [1]


def test_another_version_than_the_plan_says_is_not_installed(repository: Repository) -> None:
    lie = Release(version=2, uri="file:///x", digest=release(1).digest)
    with pytest.raises(InvalidBundle, match="version 1, wanted 2"):
        repository.install(MODEL, lie, bundle(1))
