"""promtool: whether Prometheus takes rules, and which alerts they make of series that a test writes."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from ci.stack.control_plane import binary


def check(spec: dict[str, Any], situations: Path, folder: Path) -> str:
    """What it found wrong; empty when all is well.

    `spec`: a PrometheusRule's. `situations`: promtool's file of tests, for rules in a `rules.yaml` next to it.
    """
    (folder / "rules.yaml").write_text(yaml.safe_dump(spec))
    shutil.copy(situations, folder / "situations.yaml")
    for command in (("check", "rules", "--lint-fatal", "rules.yaml"), ("test", "rules", "situations.yaml")):
        done = subprocess.run([str(binary("promtool")), *command], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            return done.stdout + done.stderr
    return ""
