"""No kind of file takes more memory than the API counts for it: see ci/bench/decode_memory.py."""

import os
import subprocess
import sys

HUGE_PAGES_OFF = {"NUMPY_MADVISE_HUGEPAGE": "0"}


def test_what_is_counted_is_enough() -> None:
    """In a process of its own: memory that this one has freed would hide what decoding takes.

    Without huge pages for NumPy's arrays, which the kernel gives or not: some 2 MiB each, much for a small picture.
    """
    command = [sys.executable, "-m", "ci.bench.decode_memory", "--side", "1024"]
    ended = subprocess.run(command, text=True, capture_output=True, timeout=300, env=os.environ | HUGE_PAGES_OFF)
    assert ended.returncode == 0, ended.stdout + ended.stderr
