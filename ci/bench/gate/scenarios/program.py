"""One part of medinfer in a process: it starts, gets ready, and does pieces of work, each in a fork of its own.

Under valgrind each fork counts its own instructions, with those before it; without, it measures time and memory.
What a piece does must depend on nothing but the code: no clock, no threads of its own, no order of a set.
"""

import gc
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

Work = Callable[[int], None]  # does the piece so many times


class Part(Protocol):
    """`start` imports and builds; `ready` is what a started process has done before its first request."""

    def start(self) -> None: ...
    def ready(self) -> Mapping[str, Work]: ...


NOTHING = ""  # the piece that only ends: what comes before every other


def count(part: Part, repeats: Mapping[str, int], pids: Path) -> None:
    """Under valgrind: writes the process ids of forks by piece; valgrind writes what each counted."""
    _start(part)
    forked = {"start": _fork(lambda: None)}
    works = {piece: work for piece, work in part.ready().items() if piece in repeats}
    for work in works.values():
        work(2)  # what happens but once
    forked[NOTHING] = _fork(lambda: None)
    for piece, work in works.items():
        forked[piece] = _fork(partial(work, repeats[piece]))
    pids.write_text(json.dumps(forked))


def _start(part: Part) -> None:
    """Without the garbage collector, as the parts' own entry points import."""
    gc.disable()
    part.start()
    gc.freeze()
    gc.enable()


def _fork(work: Callable[[], object]) -> int:
    child = os.fork()
    if not child:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    if os.waitpid(child, 0)[1]:
        raise SystemExit("a fork failed")
    return child


def time_all(part: Part, repeats: Mapping[str, int]) -> dict[str, dict[str, float]]:
    """Piece -> milliseconds of CPU and of wall clock for each repeat, and MiB that the process holds after all.

    `start` has the whole process so far, the interpreter's own start included.
    """
    _start(part)
    measured = {"start": {"CPU ms": time.process_time() * 1000, "wall ms": _age_seconds() * 1000}}
    for piece, work in part.ready().items():
        work(2)
        cpu, wall = time.process_time(), time.monotonic()
        work(repeats[piece])
        spent = time.process_time() - cpu, time.monotonic() - wall
        measured[piece] = dict(zip(("CPU ms", "wall ms"), (one * 1000 / repeats[piece] for one in spent), strict=True))
        measured[piece]["MiB"] = _resident_mib()
    return measured


def _age_seconds() -> float:
    """Since exec, in the kernel's ticks of 10 ms."""
    ticks = int(Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def _resident_mib() -> float:
    (kilobytes,) = re.findall(r"^VmRSS:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(kilobytes) / 1024
