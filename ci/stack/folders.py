"""Folders that several commands use. git ignores those of this checkout but ROOT."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLUSTER = ROOT / ".cluster"  # the local cluster
# In the home folder: a fresh clone finds there what another one made.
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "medinfer"
BINARIES = ROOT / ".tools" / "cluster" / "bin"  # what ci/cluster/build makes
