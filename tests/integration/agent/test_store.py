"""One artifact from each kind of store, whole, cut, missing, or refused."""

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from replica_agent.store.body import CHUNK_BYTES
from replica_agent.store.download import TRIES
from replica_agent.store.download import download as download_by
from replica_agent.store.errors import StoreError
from replica_agent.store.rules import Rules
from replica_agent.store.transfer import OnChunk

from tests.harness.objectstore import HttpStore, S3Store, http_store, s3_store

pytestmark = pytest.mark.integration

CONTENT = random.Random(3).randbytes(2 * CHUNK_BYTES + 12345)
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
RULES = Rules(("file:/", "http://", "s3://"), allow_local_addresses=True)


def download(uri: str, target: Path, on_chunk: OnChunk) -> str:
    return download_by(uri, target, on_chunk, RULES, DIGEST)


@pytest.fixture
def http() -> Iterator[HttpStore]:
    with http_store() as store:
        store.content["/model%20one.tar"] = CONTENT
        yield store


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Store]:
    with s3_store() as store:
        yield store


class Seen:
    """The progress that a fetch reported."""

    def __init__(self) -> None:
        self.progress: list[tuple[int, int | None]] = []

    def __call__(self, received: int, total: int | None) -> None:
        self.progress.append((received, total))


def test_a_file_with_a_space_in_its_name(tmp_path: Path) -> None:
    path, target, seen = tmp_path / "model one.tar", tmp_path / "target", Seen()
    path.write_bytes(CONTENT)
    assert download(path.as_uri(), target, seen) == DIGEST
    assert target.read_bytes() == CONTENT
    assert seen.progress[-1] == (len(CONTENT), len(CONTENT)) and len(seen.progress) == 4


@pytest.mark.parametrize(
    ("ranges", "cuts"),
    [
        pytest.param(True, [], id="whole"),
        pytest.param(True, [1000, 5000, 0], id="cut-three-times-and-resumed"),
        pytest.param(False, [], id="no-ranges"),
        pytest.param(False, [1000, 2 * CHUNK_BYTES], id="no-ranges-cut-and-started-over"),
    ],
)
def test_http(http: HttpStore, tmp_path: Path, ranges: bool, cuts: list[int]) -> None:
    http.ranges, http.cuts = ranges, list(cuts)
    target, seen = tmp_path / "target", Seen()
    assert download(f"{http.url}/model%20one.tar", target, seen) == DIGEST
    assert target.read_bytes() == CONTENT and not http.cuts
    assert seen.progress[-1][0] == len(CONTENT)


def test_a_resumed_fetch_asks_for_no_byte_twice(http: HttpStore, tmp_path: Path) -> None:
    http.cuts = [CHUNK_BYTES, 1000]
    download(f"{http.url}/model%20one.tar", tmp_path / "target", Seen())
    starts = [
        0 if request == "whole" else int(request.removeprefix("bytes=").split("-")[0]) for request in http.requests
    ]
    assert starts == sorted(starts) and starts.count(0) == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        pytest.param(404, "HTTP 404", id="missing"),
        pytest.param(403, "HTTP 403", id="refused"),
        pytest.param(503, "HTTP 503", id="down"),
    ],
)
def test_a_store_that_will_not_give(http: HttpStore, tmp_path: Path, status: int, message: str) -> None:
    http.status = status
    with pytest.raises(StoreError, match=message) as refused:
        download(f"{http.url}/model%20one.tar?signature=secret", tmp_path / "target", Seen())
    assert "secret" not in str(refused.value)
    assert len(http.requests) == (TRIES if status == 503 else 1)


def test_a_store_that_is_away_is_named_without_its_secrets(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as refused:
        download("http://user:password@127.0.31.5:9/m.tar?signature=secret", tmp_path / "target", Seen())
    assert "http://127.0.31.5:9/m.tar: " in str(refused.value)
    assert "secret" not in str(refused.value) and "password" not in str(refused.value)


def test_s3(s3: S3Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    target, seen = tmp_path / "target", Seen()
    assert download(s3.put("some/model.tar", CONTENT), target, seen) == DIGEST
    assert seen.progress[-1] == (len(CONTENT), len(CONTENT))
    with pytest.raises(StoreError, match="HTTP 404 NoSuchKey"):
        download("s3://bundles/other.tar", target, seen)


def test_s3_that_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3: S3Store) -> None:
    for name, value in (s3.environment | {"AWS_ENDPOINT_URL": "http://127.0.31.5:9"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match="EndpointConnectionError"):
        download("s3://bundles/model.tar", tmp_path / "target", Seen())


def test_a_fetch_that_is_stopped_stops(http: HttpStore, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(received: int, total: int | None) -> None:
        if received:
            raise Stopped

    with pytest.raises(Stopped):
        download(f"{http.url}/model%20one.tar", tmp_path / "target", stop)
    assert len(http.requests) == 1
