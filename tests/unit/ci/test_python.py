"""Which Python `make` takes: `ci/choose-python` among interpreters that a test puts on a PATH of its own."""

import re
import shutil
import subprocess
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ci.stack.folders import ROOT

PROJECT, TRITON = ".", "services/triton"
TOOLS = ("bash", "dirname", "sed", "seq")
GOOD = "whole"
# Answers the script's two questions as an interpreter does: do packages run on it, can it make environments?
INTERPRETER = """#!{bash}
case "$2" in
  *ensurepip*) [ {kind} != without-venv ] && [ {kind} != shim ] ;;
  *ssl*) [ {kind} != without-ssl ] && [ {kind} != shim ] && echo {version} ;;
  *version_info*) [ {kind} != shim ] ;;
  *) exit 9 ;;
esac
"""
# Brings what it is asked for, or fails as it does without the network.
UV = """#!{bash}
echo "$* to $UV_PYTHON_INSTALL_DIR" >>{log}
[ {online} = True ] || {{ echo "error: dns" >&2; exit 2; }}
[ "$2" != find ] || echo "/managed/python${{@: -1}}"
"""


@dataclass(frozen=True)
class Machine:
    """`pythons`: name on PATH -> version, or kind and version. `python`: what the user names with PYTHON."""

    pythons: Mapping[str, str] = field(default_factory=dict)
    python: str = ""
    online: bool = False

    def choose(self, what: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Runs the script on this machine, whose PATH is `folder`."""
        bash = shutil.which("bash")
        for tool in TOOLS:
            (folder / tool).symlink_to(shutil.which(tool) or tool)
        for name, about in self.pythons.items():
            *kind, version = about.split()
            write(folder / name, INTERPRETER.format(bash=bash, kind=kind[0] if kind else GOOD, version=version))
        write(folder / "uv", UV.format(bash=bash, log=folder / "uv.log", online=self.online))
        environment = {"PATH": str(folder), "UV": str(folder / "uv"), "PYTHON": self.python}
        command = [str(ROOT / "ci" / "choose-python"), what]
        return subprocess.run(command, env=environment, capture_output=True, text=True)


def write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


# What the project, the CPU Triton and uv get.
UBUNTU_24 = Machine({"python3.12": "3.12", "python3": "3.12"})
DEBIAN_12 = Machine({"python3.11": "3.11", "python3": "3.11"})
DEBIAN_13 = Machine({"python3.13": "3.13", "python3": "3.13"}, online=True)
UBUNTU_22 = Machine({"python3.10": "3.10", "python3": "3.10"}, online=True)


@pytest.mark.parametrize(
    ("machine", "project", "triton", "uv"),
    [
        pytest.param(DEBIAN_12, "python3.11", "python3.11", "python3.11", id="only 3.11"),
        pytest.param(UBUNTU_24, "python3.12", "python3.12", "python3.12", id="only 3.12"),
        pytest.param(DEBIAN_13, "python3.13", "/managed/python3.12", "python3.13", id="only 3.13"),
        pytest.param(UBUNTU_22, "/managed/python3.12", "/managed/python3.12", "python3.10", id="only 3.10"),
        pytest.param(
            Machine({"python3.14": "3.14", "python3.11": "3.11"}),
            *("python3.14", "python3.11", "python3.14"),
            id="3.14 and 3.11",
        ),
        pytest.param(
            Machine({"python3.15": "3.15", "python3": "3.15", "python3.12": "3.12"}),
            *("python3.12", "python3.12", "python3.12"),
            id="one too new",
        ),
        pytest.param(Machine({"python3": "3.12"}), "python3", "python3", "python3", id="python3 only"),
        pytest.param(
            Machine({"python3.12": "without-venv 3.12", "python3.10": "3.10"}),
            *("python3.12", "python3.12", "python3.10"),
            id="3.12 without venv, 3.10 with it",
        ),
        pytest.param(
            Machine({"python3.12": "without-ssl 3.12", "python3.11": "3.11"}),
            *("python3.11", "python3.11", "python3.12"),
            id="3.12 built without ssl",
        ),
        pytest.param(
            Machine({"python3.13": "shim 3.13", "python3.12": "shim 3.12", "python3.11": "3.11"}),
            *("python3.11", "python3.11", "python3.11"),
            id="shims that do not run",
        ),
        pytest.param(
            Machine({"python3.14": "3.14", "python3.12": "3.12", "mine": "3.11"}, python="mine"),
            *("mine", "mine", "mine"),
            id="PYTHON is for all three",
        ),
        pytest.param(
            Machine({"python3.14": "3.14", "python3.12": "3.12", "mine": "3.13"}, python="mine"),
            *("mine", "python3.12", "mine"),
            id="PYTHON that Triton does not take",
        ),
    ],
)
def test_the_newest_that_works(machine: Machine, project: str, triton: str, uv: str, tmp_path: Path) -> None:
    for what, expected in ((PROJECT, project), (TRITON, triton), ("uv", uv)):
        folder = tmp_path / what.replace("/", "-").replace(".", "project")
        folder.mkdir()
        result = machine.choose(what, folder)
        assert (result.returncode, result.stdout) == (0, f"{folder / expected}\n"), result.stderr


@pytest.mark.parametrize(
    ("machine", "what", "error"),
    [
        pytest.param(Machine(), "uv", "no Python 3 is on PATH: apt-get install python3 python3-venv", id="none, uv"),
        pytest.param(
            Machine({"python3.12": "without-venv 3.12"}),
            "uv",
            "python3.12 has no ensurepip, which Debian and Ubuntu keep apart: apt-get install python3.12-venv",
            id="3.12 without venv",
        ),
        pytest.param(
            Machine({"python3": "without-venv 3.12"}), "uv", "apt-get install python3-venv", id="python3 without venv"
        ),
        pytest.param(
            Machine(),
            PROJECT,
            "uv could not download it. Install Python 3.11 or 3.12 or 3.13 or 3.14 and put it on PATH, or name it: "
            "PYTHON=/path/to/python3.12 make setup",
            id="none, and uv is offline",
        ),
        pytest.param(
            Machine({"python3.13": "3.13"}),
            TRITON,
            "uv could not download it. Install Python 3.11 or 3.12 and put it on PATH",
            id="only 3.13, and uv is offline",
        ),
        pytest.param(
            Machine({"python3.12": "3.12", "old": "3.10"}, python="old"),
            PROJECT,
            "PYTHON=old is Python 3.10; medinfer needs Python 3.11 or 3.12 or 3.13 or 3.14",
            id="PYTHON is too old",
        ),
        pytest.param(
            Machine({"python3.12": "3.12"}, python="absent"),
            PROJECT,
            "PYTHON=absent is no Python 3 that runs and has ssl and ctypes",
            id="PYTHON does not exist",
        ),
        pytest.param(UBUNTU_24, "ci", "ci/pyproject.toml needs requires-python", id="no project"),
        pytest.param(UBUNTU_24, "", "usage: choose-python uv | FOLDER", id="nothing asked"),
    ],
)
def test_an_error_says_what_to_install(machine: Machine, what: str, error: str, tmp_path: Path) -> None:
    result = machine.choose(what, tmp_path)
    assert (result.returncode, result.stdout) == (1, "")
    assert error in result.stderr


def test_a_download_goes_into_the_folder(tmp_path: Path) -> None:
    assert UBUNTU_22.choose(PROJECT, tmp_path).returncode == 0
    assert (tmp_path / "uv.log").read_text().splitlines() == [
        f"python install --no-bin 3.12 to {ROOT}/.tools/python",
        f"python find --managed-python 3.12 to {ROOT}/.tools/python",
    ]


def test_the_oldest_python_is_what_the_tools_check_for() -> None:
    settings = settings_of(".")
    oldest = re.findall(r"^>=3\.(\d+)", settings["project"]["requires-python"])
    assert [settings["tool"]["mypy"]["python_version"]] == [f"3.{minor}" for minor in oldest]
    assert [settings["tool"]["ruff"]["target-version"]] == [f"py3{minor}" for minor in oldest]


def test_every_package_takes_the_same_pythons() -> None:
    members = settings_of(".")["tool"]["uv"]["workspace"]["members"]
    assert members
    everything = settings_of(".")["project"]["requires-python"]
    taken = {member: settings_of(member)["project"]["requires-python"] for member in members}
    assert {member: one for member, one in taken.items() if not everything.startswith(f"{one},")} == {}


def settings_of(folder: str) -> dict[str, Any]:
    """The pyproject.toml in `folder`."""
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())
