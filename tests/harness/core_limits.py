"""How large a core dump of a process may be, as the kernel has it."""

from collections.abc import Iterable
from pathlib import Path

import psutil

NONE = ("0", "0")


def core_limits(pids: Iterable[int]) -> dict[str, tuple[str, str]]:
    """Soft and hard limit of these processes and all that they started, by pid and name."""
    found = {}
    for pid in pids:
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            lines = Path(f"/proc/{one.pid}/limits").read_text().splitlines()
            soft, hard = next(line for line in lines if line.startswith("Max core file size")).split()[4:6]
            found[f"{one.pid} {one.name()}"] = (soft, hard)
    return found
