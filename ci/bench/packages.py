"""Environments beside .venv, each with what the uv.lock of some project names."""

import os
import subprocess
import tomllib
from collections import defaultdict
from pathlib import Path

from ci.stack.folders import ROOT


class NotInstalled(Exception):
    """An environment could not be made; the text says which, and what uv said."""


def sync(project: Path, environment: Path, *options: str) -> None:
    """Makes the folder `environment`, or brings it up to date, from uv's cache where that has the packages.

    With the same Python as here. `options`: of `uv sync`. Raises NotInstalled.
    """
    python = (ROOT / ".venv" / "bin" / "python").resolve()
    variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    uv = os.environ.get("UV") or str(ROOT / ".tools" / "bin" / "uv")
    variables["UV_PROJECT_ENVIRONMENT"] = str(environment)
    command = [uv, "sync", "--frozen", "--quiet", *options, "--python", str(python)]
    ended = subprocess.run(command, cwd=project, env=variables, capture_output=True, text=True)
    if ended.returncode:
        raise NotInstalled(f"the environment of {project} cannot be made: {ended.stderr.strip()[-300:]}")


def locked(project: Path) -> dict[str, set[str]]:
    """Package -> its versions in the project's uv.lock; several where Pythons differ."""
    versions: defaultdict[str, set[str]] = defaultdict(set)
    for package in tomllib.loads((project / "uv.lock").read_text())["package"]:
        versions[package["name"]].add(package["version"])
    return dict(versions)
