"""Whatever ends a watch, it begins anew after a pause, and what was read last stays."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

KEY = "plan.json"
LONG_SECONDS = 300.0

REFUSED = ConnectionRefusedError("nobody listens there")


class Forbidden:
    """Stands for the package's own ApiServerAway."""


def holding(content: object) -> dict[str, Any]:
    return {"metadata": {"name": "plan"}, "data": {KEY: content}}


class Script:
    """Watches one after the other: each gives its items, an exception among them is raised; then there are no more."""

    def __init__(self, config_map: ModuleType, *watches: tuple[object, ...], lasting_seconds: float = 0) -> None:
        self._module, self._watches, self._lasting_seconds = config_map, list(watches), lasting_seconds
        self._now_seconds = 0.0
        self.pauses: list[float] = []
        self.watch = config_map.ConfigMapWatch(
            "plan", KEY, self._changes, self.pauses.append, lambda: self._now_seconds
        )
        self.watch.run()

    def _changes(self) -> Iterator[Any]:
        if not self._watches:
            self.watch.stop()
            return
        for item in self._watches.pop(0):
            if item is Forbidden:
                raise self._module.ApiServerAway("status 403", "no")
            if isinstance(item, Exception):
                raise item
            yield item
        self._now_seconds += self._lasting_seconds


@pytest.mark.parametrize(
    ("items", "content"),
    [
        pytest.param((holding("a"),), b"a", id="as-it-is"),
        pytest.param((holding("a"), holding("a"), holding("b")), b"b", id="changed"),
        pytest.param((holding("b"), holding("b"), holding("a")), b"a", id="replayed"),
        pytest.param((holding("a"), holding("a"), None), None, id="deleted"),
        pytest.param((None, None, holding("a")), b"a", id="created"),
        pytest.param((None,), None, id="absent"),
        pytest.param(({"metadata": {}},), None, id="without-data"),
        pytest.param(({"data": None},), None, id="data-is-null"),
        pytest.param(({"data": {"another.json": "a"}},), None, id="without-the-key"),
        pytest.param(({"data": {KEY: ["a"]}},), None, id="no-text"),
        pytest.param((holding(""),), b"", id="blank"),
        pytest.param((holding("Größe"),), "Größe".encode(), id="not-ascii"),
    ],
)
def test_the_content_is_that_of_the_newest_version(
    config_map: ModuleType, items: tuple[object, ...], content: bytes | None
) -> None:
    watch = Script(config_map, items).watch
    assert watch.synced and watch.content == content


def test_before_the_first_answer_nothing_counts(config_map: ModuleType) -> None:
    watch = Script(config_map, (REFUSED,), (Forbidden,)).watch
    assert not watch.synced and watch.content is None


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param((REFUSED,), id="refused"),
        pytest.param((Forbidden,), id="forbidden"),
        pytest.param((holding("a"), holding("a"), TimeoutError("read")), id="goes-stale"),
        pytest.param((holding("a"), holding("a"), Forbidden), id="continues-from-what-is-forgotten"),
        pytest.param((holding("a"), ["nonsense"]), id="nonsense"),
        pytest.param((holding("a"), {"data": "nonsense"}), id="nonsense-inside"),
        pytest.param((), id="ends-at-once"),
    ],
)
def test_a_watch_that_ends_leaves_the_content_and_is_tried_again_in_growing_pauses(
    config_map: ModuleType, ends: tuple[object, ...]
) -> None:
    script = Script(config_map, (holding("a"),), *[ends] * 6)
    assert script.watch.content == b"a"
    assert len(script.pauses) == 7 and all(1 <= pause <= 15 for pause in script.pauses)
    assert script.pauses[:3] == sorted(script.pauses[:3]) and min(script.pauses[3:]) >= 7.5


def test_a_watch_that_the_api_server_ends_in_its_time_is_continued_at_once(config_map: ModuleType) -> None:
    script = Script(config_map, *[(holding("a"), holding("a"))] * 3, lasting_seconds=LONG_SECONDS)
    assert script.pauses == []


def test_after_a_good_while_the_pauses_are_short_again(config_map: ModuleType) -> None:
    failing = [(REFUSED,)] * 5
    script = Script(config_map, *failing, (holding("a"),), *failing, lasting_seconds=LONG_SECONDS)
    assert script.pauses[4] >= 7.5 and script.pauses[5] <= 2


@pytest.mark.parametrize(
    ("watches", "lines"),
    [
        pytest.param([(REFUSED,)] * 5, ["not followed"], id="away-for-long"),
        pytest.param([(REFUSED,), (REFUSED,), (Forbidden,), (Forbidden,)], ["not followed"] * 2, id="another-reason"),
        pytest.param([(REFUSED,), (holding("a"), holding("a"))], ["not followed", "followed again"], id="back"),
        pytest.param([(holding("a"), Forbidden)] * 3, ["not followed"], id="may-list-but-not-watch"),
        pytest.param([(holding("a"), holding("b"), holding("c"))], [], id="followed"),
    ],
)
def test_the_log_tells_changes_not_tries(
    config_map: ModuleType, caplog: pytest.LogCaptureFixture, watches: list[tuple[object, ...]], lines: list[str]
) -> None:
    with caplog.at_level(logging.INFO):
        Script(config_map, *watches, lasting_seconds=LONG_SECONDS)
    assert [next(line for line in lines if line in record.message) for record in caplog.records] == lines


@pytest.mark.parametrize("dice", [0, 0.5, 0.999])
def test_pauses_are_1_to_15_seconds(config_map: ModuleType, dice: float) -> None:
    backoff_seconds: Callable[[int, float], float] = config_map.backoff_seconds
    pauses = [backoff_seconds(failures, dice) for failures in (1, 2, 3, 4, 5, 100, 10_000)]
    assert pauses == sorted(pauses) and pauses[0] >= 1 and pauses[-1] <= 15


def test_the_copies_are_one() -> None:
    """Two packages that must not know each other; what is mended in one is mended in both."""
    for name in ("config_map.py", "kube_api.py"):
        agents, apis = (
            (Path("operators/agent/replica_agent") / name).read_text(),
            (Path("services/api/inference_api/routing") / name).read_text(),
        )
        assert (
            agents.replace("replica_agent", "inference_api.routing").replace("medinfer-agent", "medinfer-api") == apis
        )
