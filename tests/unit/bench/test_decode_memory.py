"""No kind of file takes more memory than the API counts for it: see ci/bench/decode_memory.py."""

import subprocess
import sys


def test_what_is_counted_is_enough() -> None:
    """In a process of its own: memory that this one has freed would hide what decoding takes."""
    command = [sys.executable, "-m", "ci.bench.decode_memory", "--side", "1024"]
    ended = subprocess.run(command, text=True, capture_output=True, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
