"""The commit that is released."""

import subprocess
from pathlib import Path

from ci.stack.errors import CommandFailed
from ci.stack.folders import ROOT


def released(*, dirty: bool, root: Path = ROOT) -> str:
    """Its 40 digits; with `-dirty` behind where files differ from it, which raises CommandFailed unless allowed."""
    changed = _git(root, "status", "--porcelain").splitlines()
    if changed and not dirty:
        raise CommandFailed(
            f"{len(changed)} files differ from the commit, {changed[0][3:]} first: commit them, or say DIRTY=1"
        )
    return _git(root, "rev-parse", "HEAD") + ("-dirty" if changed else "")


def time(root: Path = ROOT) -> int:
    """Of the commit, in Unix seconds."""
    return int(_git(root, "log", "-1", "--format=%ct"))


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    if done.returncode != 0:
        raise CommandFailed(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.rstrip()
