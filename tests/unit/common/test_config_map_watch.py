"""Whatever ends a watch, it starts again after a pause, and the last content stays."""

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from medinfer_common.config_map_watch import ConfigMapWatch, WatchFailed, backoff_seconds

KEY = "plan.json"
LONG_SECONDS = 300.0

REFUSED = ConnectionRefusedError("nobody listens there")
FORBIDDEN = WatchFailed("status 403", "no")


def holding(content: object) -> dict[str, Any]:
    return {"metadata": {"name": "plan"}, "data": {KEY: content}}


class Script:
    """Runs one watch after another, then stops. Each yields its items and raises those that are exceptions."""

    def __init__(self, *watches: Sequence[object], lasting_seconds: float = 0) -> None:
        self._watches, self._lasting_seconds = list(watches), lasting_seconds
        self._now_seconds = 0.0
        self.pauses: list[float] = []
        self.watch = ConfigMapWatch("plan", KEY, self._changes, self.pauses.append, lambda: self._now_seconds)
        self.watch.run()

    def _changes(self) -> Iterator[Any]:
        if not self._watches:
            self.watch.stop()
            return
        for item in self._watches.pop(0):
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
def test_the_content_is_that_of_the_newest_version(items: Sequence[object], content: bytes | None) -> None:
    watch = Script(items).watch
    assert watch.synced and watch.content == content


def test_before_the_first_answer_nothing_counts() -> None:
    watch = Script((REFUSED,), (FORBIDDEN,)).watch
    assert not watch.synced and watch.content is None


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param((REFUSED,), id="refused"),
        pytest.param((FORBIDDEN,), id="forbidden"),
        pytest.param((holding("a"), holding("a"), TimeoutError("read")), id="goes-stale"),
        pytest.param((holding("a"), holding("a"), FORBIDDEN), id="continues-from-what-is-forgotten"),
        pytest.param((holding("a"), ["nonsense"]), id="nonsense"),
        pytest.param((holding("a"), {"data": "nonsense"}), id="nonsense-inside"),
        pytest.param((), id="ends-at-once"),
    ],
)
def test_a_watch_that_ends_leaves_the_content_and_is_tried_again_in_growing_pauses(ends: Sequence[object]) -> None:
    script = Script((holding("a"),), *[ends] * 6)
    assert script.watch.content == b"a"
    assert len(script.pauses) == 7 and all(1 <= pause <= 15 for pause in script.pauses)
    assert script.pauses[:3] == sorted(script.pauses[:3]) and min(script.pauses[3:]) >= 7.5


def test_a_watch_that_the_api_server_ends_in_its_time_is_continued_at_once() -> None:
    script = Script(*[(holding("a"), holding("a"))] * 3, lasting_seconds=LONG_SECONDS)
    assert script.pauses == []


def test_after_a_good_while_the_pauses_are_short_again() -> None:
    failing = [(REFUSED,)] * 5
    script = Script(*failing, (holding("a"),), *failing, lasting_seconds=LONG_SECONDS)
    assert script.pauses[4] >= 7.5 and script.pauses[5] <= 2


@pytest.mark.parametrize(
    ("watches", "lines"),
    [
        pytest.param([(REFUSED,)] * 5, ["not followed"], id="away-for-long"),
        pytest.param([(REFUSED,), (REFUSED,), (FORBIDDEN,), (FORBIDDEN,)], ["not followed"] * 2, id="another-reason"),
        pytest.param([(REFUSED,), (holding("a"), holding("a"))], ["not followed", "followed again"], id="back"),
        pytest.param([(holding("a"), FORBIDDEN)] * 3, ["not followed"], id="may-list-but-not-watch"),
        pytest.param([(holding("a"), holding("b"), holding("c"))], [], id="followed"),
    ],
)
def test_the_log_has_changes_not_retries(
    caplog: pytest.LogCaptureFixture, watches: list[Sequence[object]], lines: list[str]
) -> None:
    with caplog.at_level(logging.INFO):
        Script(*watches, lasting_seconds=LONG_SECONDS)
    assert [next(line for line in lines if line in record.message) for record in caplog.records] == lines


@pytest.mark.parametrize("dice", [0, 0.5, 0.999])
def test_pauses_are_1_to_15_seconds(dice: float) -> None:
    pauses = [backoff_seconds(failures, dice) for failures in (1, 2, 3, 4, 5, 100, 10_000)]
    assert pauses == sorted(pauses) and pauses[0] >= 1 and pauses[-1] <= 15
