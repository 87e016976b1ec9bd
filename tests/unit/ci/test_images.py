"""What an image's name depends on, who builds when, and where images go."""

import threading
from pathlib import Path

import pytest

from ci.cluster import delivery
from ci.images import buildah, catalog, provide
from ci.images.catalog import OURS, Image
from ci.stack.errors import CommandFailed
from ci.stack.lock import alone
from ci.stack.waiting import wait_until


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "code.py").write_text("one")
    (tmp_path / "Dockerfile").write_text("FROM scratch")
    monkeypatch.setattr(catalog, "ROOT", tmp_path)
    return tmp_path


IMAGE = Image("part", "Dockerfile", ("part",))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        pytest.param("part/code.py", "two", id="its code"),
        pytest.param("part/more.py", "", id="a new file"),
        pytest.param("Dockerfile", "FROM other", id="its Dockerfile"),
    ],
)
def test_another_name_for_other_content(root: Path, path: str, text: str) -> None:
    before = IMAGE.key("base")
    (root / path).write_text(text)
    assert IMAGE.key("base") != before


def test_another_name_on_another_base(root: Path) -> None:
    assert IMAGE.key("base") != IMAGE.key("other")


def test_what_tools_leave_behind_does_not_count(root: Path) -> None:
    before = IMAGE.key("base")
    (root / "part" / "__pycache__").mkdir()
    (root / "part" / "__pycache__" / "code.pyc").write_text("")
    (root / "elsewhere.py").write_text("")
    assert IMAGE.key("base") == before


def test_two_builders_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Side by side they wrote and removed the same archives."""
    said: list[str] = []
    provided: list[str] = []
    monkeypatch.setattr(provide, "say", said.append)
    monkeypatch.setattr(provide, "FILES", tmp_path / "images")
    monkeypatch.setattr(provide, "provide", lambda image, _: provided.append(image.name))
    second = threading.Thread(target=provide.provide_all, args=[provide.Delivery(False, set, lambda _: None)])
    with alone(tmp_path / "images" / ".lock", lambda: None):
        second.start()
        wait_until(lambda: said == ["waiting for another build"], "the second one says that it waits", 5)
        assert provided == []
    second.join(10)
    assert provided == [image.name for image in OURS] and len(said) == 1


def test_what_was_built_before_is_delivered_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By another clone, too."""
    built: list[Path] = []
    delivered: list[Path] = []

    def archive(built_as: str, name: str, file: Path) -> None:
        built.append(file)
        file.write_bytes(b"")

    monkeypatch.setattr(provide, "FILES", tmp_path)
    monkeypatch.setattr(Image, "key", lambda image, base: "0123456789ab")
    monkeypatch.setattr(buildah, "has", lambda reference: True)
    monkeypatch.setattr(buildah, "remove_older", lambda reference: None)
    monkeypatch.setattr(buildah, "archive", archive)
    older, other = tmp_path / "part-aaaaaaaaaaaa.tar", tmp_path / "part-two-aaaaaaaaaaaa.tar"
    for file in (older, other):
        file.touch()
    for _ in range(2):
        assert provide.provide(IMAGE, provide.Delivery(True, set, delivered.append)).endswith("/part:0123456789ab")
    file = tmp_path / "part-0123456789ab.tar"
    assert (built, delivered) == ([file], [file, file])
    assert (older.exists(), other.exists()) == (False, True)


@pytest.mark.parametrize(
    ("environment", "is_local"),
    [
        pytest.param({}, True, id="nothing said"),
        pytest.param({"CLUSTER": "current"}, False, id="current context"),
        pytest.param({"KUBECONFIG": "/some/file"}, False, id="a kubeconfig"),
    ],
)
def test_which_cluster(environment: dict[str, str], is_local: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CLUSTER", "KUBECONFIG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert delivery.is_local() == is_local


@pytest.mark.parametrize(
    ("context", "command"),
    [
        ("kind-try", ["kind", "load", "image-archive", "--name", "try"]),
        ("k3d-try", ["k3d", "image", "import", "--cluster", "try"]),
        ("minikube", ["minikube", "image", "load"]),
    ],
)
def test_clusters_that_take_archives(context: str, command: list[str]) -> None:
    assert delivery.load_command(context) == command


def test_a_cluster_that_takes_none() -> None:
    with pytest.raises(CommandFailed, match="context hospital is no kind, k3d or minikube: push the images"):
        delivery.load_command("hospital")
