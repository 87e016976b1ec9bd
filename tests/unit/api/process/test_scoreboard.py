"""The workers' shared memory, with real processes where it matters."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from inference_api.process.scoreboard import FILE_NAME, SLOT_COUNT, Json, Scoreboard, ScoreboardFull
from inference_api.routing import counters

from ci.stack.waiting import wait_until
from tests.unit.api.some import some

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def scoreboard(tmp_path: Path) -> Iterator[Scoreboard]:
    with Scoreboard.create(tmp_path) as scoreboard:
        yield scoreboard


def test_a_snapshot_is_read_as_it_was_published(scoreboard: Scoreboard) -> None:
    publish = scoreboard.claim(pid=11)
    assert scoreboard.read() == ({}, [None])
    for number in range(5):
        publish({"number": number})
        assert scoreboard.read() == ({}, [{"number": number}])


def test_another_process_sees_the_same_scoreboard(scoreboard: Scoreboard, tmp_path: Path) -> None:
    scoreboard.claim(1)({"who": "one"})
    with Scoreboard(tmp_path / FILE_NAME) as other:
        other.claim(2)({"who": "two"})
        assert scoreboard.read()[1] == other.read()[1] == [{"who": "one"}, {"who": "two"}]
        assert scoreboard.start_id == other.start_id
        other.start_draining()
    assert scoreboard.draining


def test_a_retired_worker_is_folded_once(scoreboard: Scoreboard) -> None:
    for pid in (11, 12):
        scoreboard.claim(pid)({"count": pid})
    scoreboard.retire(11, counters.add)
    scoreboard.retire(11, counters.add)
    assert scoreboard.read() == ({"count": 11}, [{"count": 12}])
    scoreboard.retire(12, counters.add)
    assert scoreboard.read() == ({"count": 23}, [])


def test_a_slot_taken_again_starts_empty(scoreboard: Scoreboard) -> None:
    scoreboard.claim(11)({"count": 1})
    scoreboard.retire(11, counters.add)
    scoreboard.claim(12)
    assert scoreboard.read() == ({"count": 1}, [None])


def test_there_is_an_end_of_slots(scoreboard: Scoreboard) -> None:
    for pid in range(1, SLOT_COUNT):
        scoreboard.claim(pid)
    with pytest.raises(ScoreboardFull):
        scoreboard.claim(SLOT_COUNT)


def test_a_snapshot_too_large_is_an_error_and_harms_no_neighbour(scoreboard: Scoreboard) -> None:
    scoreboard.claim(2)
    publish = scoreboard.claim(1)
    scoreboard.claim(3)({"small": 1})
    with pytest.raises(ValueError, match="there is room for"):
        publish({"large": "x" * 1_000_000})
    assert scoreboard.read()[1] == [None, None, {"small": 1}]


@pytest.mark.parametrize("content", [b"", b"x" * 100, b"x" * 10_000_000], ids=["empty", "short", "foreign"])
def test_a_file_that_is_no_scoreboard_is_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with Scoreboard.join(tmp_path) as scoreboard:
        assert scoreboard.owner_pid == os.getpid()


def test_a_scoreboard_of_an_earlier_start_is_replaced(tmp_path: Path) -> None:
    stranger = SPAWN.Process(target=Scoreboard.create, args=(tmp_path,))
    stranger.start()
    stranger.join()
    with Scoreboard(tmp_path / FILE_NAME) as left:
        assert left.owner_pid == stranger.pid
    with Scoreboard.join(tmp_path) as scoreboard:
        assert scoreboard.owner_pid == os.getpid()


def join_and_publish(folder: Path) -> None:
    with Scoreboard.join(folder) as scoreboard:
        scoreboard.claim(os.getpid())({"child": True})


def test_a_child_joins_its_parents_scoreboard(scoreboard: Scoreboard, tmp_path: Path) -> None:
    child = SPAWN.Process(target=join_and_publish, args=(tmp_path,))
    child.start()
    child.join()
    assert scoreboard.read()[1] == [{"child": True}]


def only(scoreboard: Scoreboard) -> Json:
    """The snapshot of the one worker."""
    (snapshot,) = scoreboard.read()[1]
    return some(snapshot)


def publish_without_end(folder: Path) -> None:
    publish = Scoreboard(folder / FILE_NAME).claim(os.getpid())
    number = 0
    while True:
        number += 1
        publish({"number": number, "again": [number] * 500})


def test_no_snapshot_is_ever_half_written_even_by_a_worker_that_is_killed(
    scoreboard: Scoreboard, tmp_path: Path
) -> None:
    """Heads of slots were once zero for a moment, in which a worker seemed gone."""
    child = SPAWN.Process(target=publish_without_end, args=(tmp_path,), daemon=True)
    child.start()
    try:
        wait_until(lambda: scoreboard.read()[1] not in ([], [None]), "a first snapshot")
        for _ in range(6_000):
            snapshot = only(scoreboard)
            assert set(snapshot["again"]) == {snapshot["number"]}
    finally:
        os.kill(some(child.pid), signal.SIGKILL)
        child.join()
    snapshot = only(scoreboard)
    assert set(snapshot["again"]) == {snapshot["number"]}
