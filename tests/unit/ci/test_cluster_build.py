"""ci/cluster/build: what another checkout of the same sources built is taken, and nothing else is."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.stack.folders import ROOT

Build = Callable[[str], str]
# Instead of Go: a program is what says that it was compiled.
GO = """#!/usr/bin/env bash
[ "$1" != env ] || { echo go1.99.0; exit; }
while [ "$1" != -o ]; do shift; done
echo compiled >"$2"; chmod +x "$2"
"""
PROGRAM = Path(".tools/cluster/bin/pause")


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """Builds `pause` in the checkout of this name, and returns what was said."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "go").write_text(GO)
    (tmp_path / "path" / "go").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path / 'path'}:{os.environ['PATH']}",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }

    def run(checkout: str) -> str:
        folder = tmp_path / checkout / "ci" / "cluster"
        if not folder.exists():
            shutil.copytree(ROOT / "ci" / "cluster" / "modules" / "pause", folder / "modules" / "pause")
            shutil.copy(ROOT / "ci" / "cluster" / "build", folder)
        command = [str(folder / "build"), "pause"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        assert (tmp_path / checkout / PROGRAM).read_text() == "compiled\n"
        return done.stdout

    return run


def test_another_checkout_of_the_same_sources_compiles_nothing(build: Build) -> None:
    assert "built pause" in build("one")
    assert build("another") == ""


def test_other_sources_are_compiled(build: Build, tmp_path: Path) -> None:
    build("one")
    build("other")
    (tmp_path / "other" / "ci" / "cluster" / "modules" / "pause" / "more.go").write_text("package main\n")
    assert "built pause" in build("other")


def test_what_is_half_kept_is_not_taken(build: Build, tmp_path: Path) -> None:
    build("one")
    for kept in (tmp_path / "cache" / "medinfer" / "programs").iterdir():
        kept.rename(kept.with_name(f"{kept.name}.1234"))  # as while it is copied there
    assert "built pause" in build("another")
