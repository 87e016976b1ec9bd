"""`python -m modelctl.memory MODEL BATCH_SIZE C H W`: prints how many bytes loading and running a model takes."""

import re
import sys
from pathlib import Path

import numpy as np

from modelctl.runtime import load


def main() -> None:
    """Prints the growth of this process's peak memory."""
    model = Path(sys.argv[1])
    batch = np.zeros([int(size) for size in sys.argv[2:]], np.float32)
    before = _peak_bytes()
    load(model)(batch)
    print(_peak_bytes() - before)


def _peak_bytes() -> int:
    # Not getrusage: its maximum includes what the parent held when it forked.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


if __name__ == "__main__":
    main()
