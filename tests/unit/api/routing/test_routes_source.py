"""A file, or a ConfigMap with its mounted copy: what counts when."""

import json
from pathlib import Path
from typing import Any

import pytest
from inference_api.routing.document import Routes
from inference_api.routing.follower import Follower
from inference_api.routing.routes_source import RoutesFile, WatchedRoutes
from inference_api.routing.traffic import Traffic

from tests.harness.routes import document


class Watch:
    name, key = "medinfer-api-routes", "routes.json"
    synced = False
    content: bytes | None = None

    def answer(self, content: bytes | None) -> None:
        self.synced, self.content = True, content


def routes(revision: object, **changes: Any) -> bytes:
    return json.dumps(document(revision=revision, **changes)).encode()


def test_a_file_swapped_by_a_link_is_read_again(tmp_path: Path) -> None:
    """As kubelet does with a ConfigMap: ..data is a link that is renamed over."""
    for version in ("one", "two"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "routes.json").write_text(version)
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "routes.json").symlink_to("..data/routes.json")
    source = RoutesFile(tmp_path / "routes.json")
    assert source.read() == b"one"
    (tmp_path / "..new").symlink_to("two")
    (tmp_path / "..new").rename(tmp_path / "..data")
    assert source.read() == b"two"


def test_an_absent_file_says_what_to_do(tmp_path: Path) -> None:
    reason = RoutesFile(tmp_path / "routes.json").read()
    assert reason == "routes.json cannot be read: No such file or directory; write the routes document there"


class Scene:
    """Workers of one pod, each started after the previous one ended."""

    def __init__(self, folder: Path) -> None:
        self.mounted, self.kept = folder / "mounted.json", folder / "kept.json"
        self.start_worker()

    def start_worker(self) -> None:
        self.watch, self.traffic = Watch(), Traffic(128)
        self.follower = Follower(self.traffic, WatchedRoutes(self.watch, self.mounted, self.kept), self)

    async def __call__(self, _: Routes) -> bool:
        return True

    async def poll(self) -> tuple[int | None, str]:
        """Polls twice, since the first poll reads what was kept: the revision in force, why the newest was refused."""
        for _ in range(2):
            await self.follower.poll()
        routes = self.traffic.routes
        return routes.revision if routes else None, (self.traffic.rejected or {}).get("reason", "")


async def test_the_mounted_copy_counts_until_the_api_server_answered(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.mounted.write_bytes(routes(1))
    assert await scene.poll() == (1, "")
    scene.mounted.write_bytes(routes(2))
    assert await scene.poll() == (2, "")
    scene.watch.answer(routes(3))
    scene.mounted.write_bytes(routes(4))
    assert await scene.poll() == (3, "")


async def test_the_mounted_copy_is_read_even_if_the_api_server_was_faster(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.mounted.write_bytes(routes(1))
    scene.watch.answer(None)
    revision, reason = await scene.poll()
    assert revision == 1 and "ConfigMap medinfer-api-routes has no routes.json" in reason


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(None, "ConfigMap medinfer-api-routes has no routes.json; write the routes", id="absent"),
        pytest.param(b"", "is empty", id="blank"),
        pytest.param(b"{", "not JSON", id="half-written"),
        pytest.param(routes(1), "revision: is 1, and 2 is obeyed already", id="old-copy"),
        pytest.param(routes("3"), "revision: is '3'; write a whole number", id="revision-is-text"),
        pytest.param(routes(-1), "revision: is '-1'; write a whole number", id="revision-below-zero"),
        pytest.param(routes(True), "revision: is 'True'; write a whole number", id="revision-is-a-bool"),
    ],
)
async def test_what_is_no_instruction_changes_nothing(tmp_path: Path, content: bytes | None, reason: str) -> None:
    scene = Scene(tmp_path)
    scene.watch.answer(routes(2))
    assert await scene.poll() == (2, "")
    scene.watch.answer(content)
    revision, why = await scene.poll()
    assert revision == 2 and reason in why
    scene.watch.answer(routes(3))
    assert await scene.poll() == (3, "")


async def test_a_document_without_a_revision_is_not_compared(tmp_path: Path) -> None:
    """A person edited it."""
    scene = Scene(tmp_path)
    for content, revision in ((routes(5), 5), (json.dumps(document(step="by hand")).encode(), 0), (routes(4), 4)):
        scene.watch.answer(content)
        assert await scene.poll() == (revision, "")


async def test_a_worker_that_starts_while_the_api_server_is_away_does_not_go_back(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.mounted.write_bytes(routes(1))
    scene.watch.answer(routes(3))
    assert await scene.poll() == (3, "")
    scene.start_worker()
    revision, reason = await scene.poll()
    assert revision == 3 and "revision: is 1, and 3 is obeyed already" in reason


async def test_a_newer_mounted_copy_is_better_than_what_was_kept(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.watch.answer(routes(1))
    assert await scene.poll() == (1, "")
    scene.start_worker()
    scene.mounted.write_bytes(routes(2))
    assert await scene.poll() == (2, "")


async def test_what_cannot_be_kept_is_in_force_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(tmp_path)
    scene.kept = tmp_path / "absent" / "kept.json"
    scene.start_worker()
    scene.watch.answer(routes(1))
    assert await scene.poll() == (1, "")
    assert "the routes in force cannot be saved" in caplog.text


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    source = WatchedRoutes(Watch(), Path(tmp_path / "routes.json"), None)
    source.keep(b"{}")
    assert "cannot be read" in source.read() and not list(tmp_path.iterdir())
