"""Programs of Debian's that tests use: a test that misses one is skipped, which is a failure in CI (conftest.py)."""

import os
import shutil

import pytest

from ci.stack.folders import ROOT

BUILT = ROOT / ".tools/cluster/bin"


def find(program: str, how: str) -> str:
    """The program's path, on PATH or as ci/cluster/build made it. `how`: the command that installs it."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:{BUILT}")
    if found is None:
        pytest.skip(f"{program} is missing: {how}")
    return found


def debian(package: str) -> str:
    """How to install a package of Debian's."""
    return f"apt-get install --no-install-recommends {package}"
