"""With which commit this one is compared."""

import os
import subprocess
from pathlib import Path

import pytest

from ci.bench.gate.checkout import NoBase, find_base

NOBODY = {f"GIT_{who}_{what}": "nobody" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def git(folder: Path, *arguments: str) -> str:
    ended = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=os.environ | NOBODY, capture_output=True, text=True, check=True
    )
    return ended.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Two commits on main."""
    folder = tmp_path / "clone"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    for number in (1, 2):
        git(folder, "commit", "--quiet", "--allow-empty", "-m", str(number))
    return folder


def test_main_is_compared_with_its_parent(clone: Path) -> None:
    assert find_base(clone=clone) == git(clone, "rev-parse", "HEAD^")


def test_a_branch_is_compared_with_where_it_left_main(clone: Path) -> None:
    left = git(clone, "rev-parse", "HEAD")
    git(clone, "switch", "--quiet", "-c", "branch")
    for number in (3, 4):
        git(clone, "commit", "--quiet", "--allow-empty", "-m", str(number))
    assert find_base(clone=clone) == left


def test_whom_one_names_is_compared_with(clone: Path) -> None:
    assert find_base("main", clone) == git(clone, "rev-parse", "HEAD")


def test_an_unknown_name_is_named(clone: Path) -> None:
    with pytest.raises(NoBase, match="v9 names no commit"):
        find_base("v9", clone)


def test_a_shallow_clone_says_what_is_missing(clone: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", clone.as_uri(), str(shallow))
    with pytest.raises(NoBase, match="HEAD has no parent in this clone; fetch at least two commits"):
        find_base(clone=shallow)
