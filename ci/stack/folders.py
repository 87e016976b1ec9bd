"""Folders of this checkout that several commands use. git ignores all of them but ROOT."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / ".cluster"  # the local cluster and its images
BINARIES = ROOT / ".tools" / "cluster" / "bin"  # what ci/cluster/build makes
