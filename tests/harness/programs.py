"""Programs of Debian's that tests use: where one is missing a laptop skips, and CI fails."""

import os
import shutil

import pytest

from ci.stack.folders import ROOT

BUILT = ROOT / ".tools/cluster/bin"


def find(program: str, how: str) -> str:
    """The program's path, on PATH or as ci/cluster/build made it. `how`: the command that installs it."""
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:{BUILT}")
    if found is None:
        missing = f"{program} is missing: {how}"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    return found


def debian(package: str) -> str:
    """How to install a package of Debian's."""
    return f"apt-get install --no-install-recommends {package}"
