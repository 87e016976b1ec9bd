"""actionlint: what it finds wrong in a GitHub Actions workflow."""

import subprocess

from ci.stack.control_plane import binary


def check(workflow: str) -> str:
    """One line for each finding; empty when there is none. Raises FileNotFoundError when actionlint is not built.

    actionlint would also call the shellcheck and pyflakes that it finds on PATH; they differ from machine to machine.
    """
    command = [str(binary("actionlint")), "-oneline", "-no-color", "-shellcheck=", "-pyflakes=", "-"]
    return subprocess.run(command, input=workflow, capture_output=True, text=True, check=False).stdout
