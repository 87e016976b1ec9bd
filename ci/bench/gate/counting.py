"""Instructions, counted by valgrind's cachegrind: nearly the same in every run, whatever else the machine does."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ci.bench.gate.checkout import Checkout, ProgramFailed
from ci.bench.gate.scenarios.program import NOTHING
from ci.stack.folders import ROOT

TIMEOUT_SECONDS = 900


def is_there() -> bool:
    """Whether this machine can count: without valgrind only CPU time decides."""
    return shutil.which("valgrind") is not None


def count(checkout: Checkout, part: str, inputs: Path, repeats: Mapping[str, int]) -> dict[str, float]:
    """Piece -> millions of instructions for each repeat, in a new process. Raises ProgramFailed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pids, logs = folder / "pids", folder / "%p.log"
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
        command = checkout.command(part, inputs, "--count", str(pids))
        run(checkout, [*valgrind, f"--log-file={logs}", *command])
        counted = {piece: _counted(folder / f"{pid}.log") for piece, pid in json.loads(pids.read_text()).items()}
    return per_repeat(counted, repeats)


def run(checkout: Checkout, command: list[str]) -> str:
    """Its standard output. The same hash seed for everybody: it decides the order of sets. Raises ProgramFailed."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", **checkout.environment}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # or every start would compile what it imports
    try:
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise ProgramFailed(f"no end within {TIMEOUT_SECONDS} s") from None
    if ended.returncode:
        raise ProgramFailed(ended.stderr.strip().rsplit("\n", 1)[-1])
    return ended.stdout


def per_repeat(counted: Mapping[str, int], repeats: Mapping[str, int]) -> dict[str, float]:
    """Each fork's count holds all that came before it.

    >>> per_repeat({"start": 2_000_000, "": 3_000_000, "request": 7_000_000}, {"request": 4})
    {'start': 2.0, 'request': 1.0}
    """
    pieces = {piece: (counted[piece] - counted[NOTHING]) / times / 1e6 for piece, times in repeats.items()}
    return {"start": counted["start"] / 1e6} | pieces


def _counted(log: Path) -> int:
    found = re.search(r"I +refs: +([\d,]+)", log.read_text())
    if not found:
        raise ProgramFailed(f"valgrind counted nothing: {log.read_text()[-200:]}")
    return int(found[1].replace(",", ""))
