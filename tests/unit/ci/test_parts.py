"""ci/parts: what is made at the same time, what is said of it, and that nothing goes on after an interrupt."""

import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ci.stack.folders import ROOT
from ci.stack.waiting import wait_until

Parts = Callable[..., "subprocess.Popen[str]"]
# Instead of make: a target is a script. Each of two that meet goes on once the other one is there.
MAKE = """#!/usr/bin/env bash
cd "$(dirname "$0")" && exec timeout --foreground 50 bash "$2"
"""
MEET = "echo begin {0}; touch {0}.there; until [ -e {1}.there ]; do sleep 0.01; done; echo end {0}"


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    """Starts it for these targets, whose scripts are given."""
    (tmp_path / "make").write_text(MAKE)
    (tmp_path / "make").chmod(0o755)

    def start(*arguments: str, scripts: Mapping[str, str]) -> "subprocess.Popen[str]":
        for name, text in scripts.items():
            (tmp_path / name).write_text(text)
        environment = {name: value for name, value in os.environ.items() if name != "TIMES"}
        environment |= {"MAKE": str(tmp_path / "make"), "TMPDIR": str(tmp_path)}
        command = [str(ROOT / "ci" / "parts"), *arguments]
        return subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # What a shell starts with & ignores interrupts, and so does all that it starts: these tests may be that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    return start


def test_joined_targets_are_made_at_the_same_time_and_each_is_told_in_one_piece(parts: Parts) -> None:
    process = parts(
        "first", "a+b", scripts={"first": "true", "a": MEET.format("a", "b"), "b": f"{MEET.format('b', 'a')}; exit 3"}
    )
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 3
    lines = [re.sub(r"took \d+ s", "took N s", line) for line in said.splitlines()]
    assert lines[:4] == ["== first", "== first took N s", "== a b", "begin a"]
    assert lines[4:8] == ["end a", "== a took N s", "begin b", "end b"]
    assert lines[8:10] == ["== b took N s, failed", "What took how long:"]
    assert {line.split()[0] for line in lines[10:]} == {"first", "a", "b", "all"}


def test_what_passed_is_not_made_again(parts: Parts) -> None:
    process = parts("a", "a+b", "a+b", scripts={"a": "echo once", "b": "echo twice"})
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert (said.count("once"), said.count("twice")) == (1, 1)


def test_an_interrupt_ends_what_is_made_beside_another_one(parts: Parts, tmp_path: Path) -> None:
    """As Ctrl-C does it: to the group of ci/parts, which the other targets are not in."""
    beside = "trap 'touch ended; exit 1' INT; touch began; while true; do sleep 0.01; done"
    process = parts("a+b", scripts={"a": "sleep 60", "b": beside})
    wait_until((tmp_path / "began").exists, "both were started")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode != 0
    assert (tmp_path / "ended").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"make", "a", "b", "began", "ended"}, "no file is left"
