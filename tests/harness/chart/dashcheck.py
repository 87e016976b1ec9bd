"""dashcheck: whether dashboards are what Grafana's published schema says."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from ci.stack.control_plane import binary


def check(boards: Iterable[Path]) -> str:
    """What it found wrong; empty when all is well."""
    done = subprocess.run([str(binary("dashcheck")), *map(str, boards)], capture_output=True, text=True)
    return done.stdout + done.stderr
