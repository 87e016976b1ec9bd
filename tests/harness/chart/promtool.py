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
    shutil.copy(situations, folder / "situations.yaml")
    return lint(spec, folder) or _run(folder, "test", "rules", "situations.yaml")


def lint(spec: dict[str, Any], folder: Path) -> str:
    """What it found wrong with the rules alone, which it writes into `rules.yaml`; empty when all is well."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(spec))
    return _run(folder, "check", "rules", "--lint-fatal", "rules.yaml")


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run([str(binary("promtool")), *command], cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""
