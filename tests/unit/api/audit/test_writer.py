"""The thread that writes the audit stream: what waits, what is lost, and who is told."""

import asyncio
import errno
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from inference_api.audit import writer as module
from inference_api.audit.chain import Chain
from inference_api.audit.sink import LOOK_SECONDS, FileSink, Sink, StdoutSink
from inference_api.audit.writer import Entry, Writer

from ci.stack.waiting import until


class Disk:
    """A sink in memory; `full` refuses lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, object]] = []
        self.full, self.writes = False, 0

    def write(self, lines: bytes) -> None:
        self.writes += 1
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.lines += map(json.loads, lines.splitlines())

    def close(self) -> None: ...


def line(said: Mapping[str, object]) -> Entry:
    return lambda: said


class Scene:
    def __init__(self, sink: Sink, pause_seconds: float = 0) -> None:
        self.counted: Counter[str] = Counter()
        self.writer = Writer(sink, Chain(b"key", "api-0"), self._count, pause_seconds)

    def _count(self, result: str, lines: int) -> None:
        self.counted[result] += lines


@pytest.fixture
async def make() -> AsyncIterator[Callable[[Sink], Scene]]:
    scenes: list[Scene] = []

    def start(sink: Sink) -> Scene:
        scene = Scene(sink)
        scene.writer.start()
        scenes.append(scene)
        return scene

    yield start
    for scene in scenes:
        await scene.writer.stop(5)


async def test_lines_are_written_in_order_and_counted(make: Callable[[Sink], Scene]) -> None:
    disk = Disk()
    scene = make(disk)
    for number in range(500):
        scene.writer.submit(line({"requestId": str(number)}))
    assert await scene.writer.write(line({"requestId": "last"}), 5)
    assert [line["requestId"] for line in disk.lines] == [*map(str, range(500)), "last"]
    assert [line["sequence"] for line in disk.lines] == list(range(1, 502))
    await until(lambda: scene.counted == {"written": 501}, "all are counted")


async def test_a_full_disk_is_told_and_leaves_no_gap(
    make: Callable[[Sink], Scene], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    disk = Disk()
    scene = make(disk)
    assert await scene.writer.write(line({"requestId": "first"}), 5)
    disk.full = True
    assert not await scene.writer.write(line({"requestId": "lost"}), 5)
    assert not await scene.writer.write(line({"requestId": "lost, too"}), 5)
    disk.full = False
    assert await scene.writer.write(line({"requestId": "second"}), 5)
    assert [(line["requestId"], line["sequence"]) for line in disk.lines] == [("first", 1), ("second", 2)]
    await until(lambda: scene.counted == {"written": 2, "failed": 2}, "all are counted")
    told = [record.message for record in caplog.records]
    assert told == ["audit lines cannot be written", "audit lines can be written again"], "once each"


async def test_more_than_may_wait_is_dropped_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene(Disk())  # not started: everything waits
    for _ in range(module.MAX_WAITING + 3):
        scene.writer.submit(line({}))
    assert not await scene.writer.write(line({}), 5)
    assert scene.counted == {"dropped": 4}
    scene.writer.start()
    await until(lambda: scene.counted["written"] == module.MAX_WAITING, "there is room again")
    assert await scene.writer.write(line({}), 5)
    await scene.writer.stop(5)


async def test_lines_wait_for_each_other_and_at_the_end_for_nothing() -> None:
    disk = Disk()
    scene = Scene(disk, pause_seconds=3600)
    scene.writer.start()
    for number in range(300):
        scene.writer.submit(line({"requestId": str(number)}))
        await asyncio.to_thread(lambda: None)  # so that the writer's thread may run
    await scene.writer.stop(5)
    assert disk.writes == 1
    assert scene.counted == {"written": 300}
    assert [line["sequence"] for line in disk.lines] == list(range(1, 301))


async def test_lines_of_one_turn_of_the_event_loop_are_one_write(make: Callable[[Sink], Scene]) -> None:
    disk = Disk()
    scene = make(disk)
    assert await asyncio.gather(*(scene.writer.write(line({}), 5) for _ in range(5))) == [True] * 5
    assert disk.writes == 1


async def test_lines_do_not_wait_longer_than_the_pause() -> None:
    disk = Disk()
    scene = Scene(disk, pause_seconds=0.01)
    scene.writer.start()
    scene.writer.submit(line({}))
    await until(lambda: scene.counted == {"written": 1}, "the first is written")
    scene.writer.submit(line({}))
    await until(lambda: scene.counted == {"written": 2}, "the second is written")
    assert disk.writes == 2
    await scene.writer.stop(5)


async def test_a_line_that_cannot_be_made_does_not_end_the_writer(make: Callable[[Sink], Scene]) -> None:
    disk = Disk()
    scene = make(disk)
    assert not await scene.writer.write(line({"requestId": "\ud800"}), 5)
    assert await scene.writer.write(line({"requestId": "good"}), 5)
    assert [(line["requestId"], line["sequence"]) for line in disk.lines] == [("good", 1)]


async def test_a_line_that_takes_too_long_is_not_waited_for() -> None:
    scene = Scene(Disk())  # not started: everything waits
    async with asyncio.timeout(5):
        assert not await scene.writer.write(line({}), 0.01)


def test_a_file_that_is_moved_away_is_opened_anew(tmp_path: Path) -> None:
    path, moved, seconds = tmp_path / "audit.jsonl", tmp_path / "audit.jsonl.1", [0.0]
    sink = FileSink(path, lambda: seconds[0])
    sink.write(b"one\n")
    path.rename(moved)
    seconds[0] = LOOK_SECONDS / 2
    sink.write(b"two\n")
    seconds[0] = LOOK_SECONDS
    sink.write(b"three\n")
    sink.close()
    assert (moved.read_bytes(), path.read_bytes()) == (b"one\ntwo\n", b"three\n")


def test_a_volume_that_is_full_is_an_error() -> None:
    with pytest.raises(OSError, match="No space left"):
        FileSink(Path("/dev/full"), time.monotonic).write(b"line\n")


def test_lines_for_standard_output_are_written_whole(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    sink = StdoutSink(tmp_path / "audit.lock", writer)
    sink.write(b"one\n")
    sink.close()
    os.close(writer)
    assert os.read(reader, 100) == b"one\n"
    os.close(reader)
