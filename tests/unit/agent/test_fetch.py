"""The order of sources, and the error when none of them has the right bytes."""

import json
from pathlib import Path
from typing import Any

import pytest
from replica_agent.bundles import Bundles
from replica_agent.fetch import Fetcher
from replica_agent.plan import Plan, Release, parse_plan
from replica_agent.state import Progress, Reason, VersionFailed
from replica_agent.store.rules import Rules

from tests.unit.agent.bundles import bundle, release
from tests.unit.agent.plans import document

RULES = Rules(("file:/",))


def plan_of(wanted: Release, **changes: Any) -> Plan:
    return parse_plan(json.dumps(document(stable=wanted.model_dump(), **changes)).encode())


@pytest.fixture
def cache(tmp_path: Path) -> Bundles:
    return Bundles(tmp_path / "bundles")


def fetch(cache: Bundles, tmp_path: Path, wanted: Release, min_free: int = 0) -> list[Progress]:
    seen: list[Progress] = []
    Fetcher(cache, tmp_path, "triton-0", min_free, RULES).fetch(wanted, plan_of(wanted), seen.append)
    return seen


def test_progress_goes_from_nothing_to_verifying(cache: Bundles, tmp_path: Path) -> None:
    wanted, size = release(1), bundle(1).stat().st_size
    assert fetch(cache, tmp_path, wanted) == [
        Progress(0, size),
        Progress(size, size),
        Progress(size, size, complete=True),
    ]
    assert list(cache.all()) == [wanted.digest]


@pytest.mark.parametrize(
    ("changes", "min_free", "reason", "message"),
    [
        pytest.param({"uri": "file:///nowhere/x.tar"}, 0, Reason.FETCH_FAILED, "file:///nowhere/x.tar", id="missing"),
        pytest.param({"uri": "http://h/x.tar"}, 0, Reason.FETCH_FAILED, "none of the allowed addresses", id="http"),
        pytest.param({"uri": "file://u:p@/x.tar"}, 0, Reason.FETCH_FAILED, "put credentials into", id="password"),
        pytest.param({"digest": "sha256:" + "0" * 64}, 0, Reason.DIGEST_MISMATCH, "the plan says sha256:0", id="bytes"),
        pytest.param({"version": 7}, 0, Reason.BUNDLE_INVALID, "version 1, wanted 7", id="another-version"),
        pytest.param({}, 1 << 60, Reason.INSUFFICIENT_DISK, "make room", id="no-room"),
    ],
)
def test_a_fetch_that_fails_leaves_nothing(
    cache: Bundles, tmp_path: Path, changes: dict[str, Any], min_free: int, reason: Reason, message: str
) -> None:
    wanted = release(1).model_copy(update=changes)
    with pytest.raises(VersionFailed) as failed:
        fetch(cache, tmp_path, wanted, min_free)
    assert failed.value.reason is reason and message in failed.value.message
    assert not list((tmp_path / "bundles").iterdir())


def test_a_replica_does_not_ask_itself(cache: Bundles, tmp_path: Path) -> None:
    wanted = release(1).model_copy(update={"uri": "file:///nowhere/x.tar"})
    plan = plan_of(wanted, siblings=[{"name": "triton-0", "url": "http://127.0.0.1:9"}])
    with pytest.raises(VersionFailed) as failed:
        Fetcher(cache, tmp_path, "triton-0", 0, RULES).fetch(wanted, plan, lambda _: None)
    assert "127.0.0.1" not in failed.value.message
