"""What the gate measures: every format, and work that depends on the code alone."""

import asyncio
import json
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from inference_api.imaging.formats import FORMATS

from ci.bench.gate import inputs, sitting
from ci.bench.gate.counting import per_repeat
from ci.bench.gate.scenarios import api, program
from ci.bench.gate.scenarios.still_loop import StillLoop


def test_every_format_is_decoded() -> None:
    assert set(api.FILES) == {one.name for one in FORMATS}


def test_the_files_are_of_their_format(tmp_path: Path) -> None:
    inputs.write(tmp_path)
    for one in FORMATS:
        assert one.matches((tmp_path / one.name).read_bytes()), one.name


def test_wall_clock_never_decides() -> None:
    names = {str(one) for one in sitting.measures()}
    assert sitting.deciding() == {name for name in names if not name.endswith("wall ms")}
    assert {"api 2,000 requests, MiB", "api request, million instructions", "agent start, CPU ms"} <= sitting.deciding()


def test_a_measure_leads_to_its_part() -> None:
    assert sitting.parts_of(["api request, CPU ms", "operator visit at rest, CPU ms"]) == ["api", "operator"]


def test_what_came_before_a_piece_does_not_count() -> None:
    counted = {"start": 2_000_000, "": 3_000_000, "request": 7_000_000}
    assert per_repeat(counted, {"request": 4}) == {"start": 2.0, "request": 1.0}


class Part:
    """Writes what it does into a file, as forks share no memory."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def start(self) -> None:
        self.write("start")

    def ready(self) -> Mapping[str, program.Work]:
        return {"piece": lambda times: self.write(f"piece {times}"), "untold": lambda times: self.write("untold")}

    def write(self, text: str) -> None:
        with self.file.open("a") as file:
            file.write(f"{text}\n")


def test_each_piece_is_counted_in_a_fork_after_it_was_warm(tmp_path: Path) -> None:
    program.count(Part(tmp_path / "log"), {"piece": 7}, tmp_path / "pids")
    assert (tmp_path / "log").read_text().splitlines() == ["start", "piece 2", "piece 7"]
    pids = json.loads((tmp_path / "pids").read_text())
    assert list(pids) == ["start", program.NOTHING, "piece"] and len(set(pids.values())) == 3


def test_a_piece_that_fails_fails_the_process(tmp_path: Path) -> None:
    class Failing(Part):
        def ready(self) -> Mapping[str, program.Work]:
            return {"piece": lambda times: self.fail() if times > 2 else None}

        def fail(self) -> None:
            raise RuntimeError("as a fork does that finds no file")

    with pytest.raises(SystemExit, match="a fork failed"):
        program.count(Failing(tmp_path / "log"), {"piece": 7}, tmp_path / "pids")


def test_no_timer_fires_while_time_stands_still_and_no_thread_starts() -> None:
    loop = StillLoop()
    fired: list[str] = []

    async def work() -> set[int]:
        loop.stand_still()
        loop.call_later(1e-6, fired.append, "timer")
        for _ in range(100):
            await asyncio.sleep(0)
        return {await asyncio.to_thread(threading.get_ident) for _ in range(100)}

    try:
        assert loop.run_until_complete(work()) == {threading.get_ident()}
    finally:
        loop.close()
    assert fired == []
