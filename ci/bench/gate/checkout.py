"""The two sides: this checkout, and another commit's files with an environment of their own."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ci.bench.packages import NotInstalled, sync
from ci.stack.folders import ROOT
from ci.stack.say import say

FOLDER = ROOT / ".bench" / "gate"


class NoBase(Exception):
    """There is nothing to compare with; the text says why, and what to do."""


class ProgramFailed(Exception):
    """A scenario's process failed, or its environment cannot be made. The base may lack what it needs."""


@dataclass(frozen=True)
class Checkout:
    """`name`: `base` or `this`. The product's packages are those of `packages`; the scenarios are always ours."""

    name: str
    folder: Path
    packages: Path

    @property
    def environment(self) -> dict[str, str]:
        """`ci` and `tests` are this checkout's: both sides do the same work on the same cluster in memory."""
        return {"PYTHONPATH": str(ROOT)}

    def command(self, part: str, *arguments: str | Path) -> list[str]:
        """Of a scenario's process."""
        return [str(self.packages / "bin" / "python"), "-m", "ci.bench.gate.scenarios", part, *map(str, arguments)]


def this() -> Checkout:
    """Raises ProgramFailed."""
    packages = FOLDER / "this"
    _sync(ROOT, packages)
    return Checkout("this", ROOT, packages)


def find_base(wanted: str = "", clone: Path = ROOT) -> str:
    """The commit `wanted`; else where this branch left main; else HEAD's parent. Raises NoBase."""
    if wanted:
        found = _commit(wanted, clone)
        if not found:
            raise NoBase(f"{wanted} names no commit in this clone")
        return found
    head = _commit("HEAD", clone)
    left = (_git(clone, "merge-base", "HEAD", main) for main in ("origin/main", "main"))
    found = next((one for one in left if one and one != head), "") or _commit("HEAD^", clone)
    if not found:
        raise NoBase("HEAD has no parent in this clone; fetch at least two commits (fetch-depth: 2)")
    return found


def prepare(commit: str, name: str = "base") -> Checkout:
    """Its files and its environment in .bench/gate/NAME, from uv's cache. They stay for the next run.

    Raises ProgramFailed.
    """
    folder, mark = FOLDER / name, FOLDER / f"{name}.commit"
    packages = folder / ".venv"
    if not mark.exists() or mark.read_text() != commit:
        say(f"preparing {commit[:9]}")
        mark.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
        subprocess.run(["tar", "-x", "-C", str(folder)], check=True, input=archive)
        _sync(folder, packages)
        mark.write_text(commit)
    return Checkout(name, folder, packages)


def _sync(folder: Path, environment: Path) -> None:
    """What the images hold, without the tools of tests: FastAPI, for one, imports more where more is installed."""
    try:
        sync(folder, environment, "--no-default-groups", "--all-packages")
    except NotInstalled as error:
        raise ProgramFailed(str(error)) from error


def _commit(name: str, clone: Path) -> str:
    return _git(clone, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")


def _git(clone: Path, *arguments: str) -> str:
    """What it prints; empty when it fails."""
    return subprocess.run(["git", *arguments], cwd=clone, capture_output=True, text=True).stdout.strip()
