"""For how long this thread was ready to run and waited for a CPU, as the kernel counts it (proc(5), schedstat)."""

from pathlib import Path

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_WAITED = 1  # ran, waited, turns; the first two in nanoseconds


def cpu_wait_seconds() -> float:
    """Since the thread began. Always 0.0 where nobody counts it."""
    try:
        return int(_SCHEDSTAT.read_bytes().split()[_WAITED]) / 1e9
    except OSError:
        return 0.0
