"""From what an image or the chart was made, by whom: the predicate of SLSA's provenance, version 1."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ci.images.catalog import Image
from ci.stack.folders import ROOT

SOURCE = "https://github.com/medinfer/medinfer"
BUILD_TYPE = f"{SOURCE}/blob/main/RELEASING.md"
BY_HAND = f"{BUILD_TYPE}#by-hand"


@dataclass(frozen=True)
class Build:
    """`commit`: of git, 40 digits, with `-dirty` behind it where files differ from it. `version`: three numbers."""

    commit: str
    version: str
    began: datetime


def predicate(build: Build, name: str, materials: Mapping[str, str], ended: datetime) -> dict[str, Any]:
    """`name`: of what was built; `materials`: sha256 digits by address, the source aside."""
    source = {"uri": f"git+{SOURCE}", "digest": {"gitCommit": build.commit.removesuffix("-dirty")}}
    others = [{"uri": uri, "digest": {"sha256": digits}} for uri, digits in materials.items()]
    parameters = {"name": name, "version": build.version, "commit": build.commit}
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": parameters,
            "resolvedDependencies": [source, *others],
        },
        "runDetails": {
            "builder": {"id": builder(os.environ)},
            "metadata": {"startedOn": _time(build.began), "finishedOn": _time(ended)},
        },
    }


def builder(environment: Mapping[str, str]) -> str:
    """GitHub's workflow with its commit, or a person's machine."""
    workflow = environment.get("GITHUB_WORKFLOW_REF")
    return f"{environment['GITHUB_SERVER_URL']}/{workflow}" if workflow else BY_HAND


def lock_file(path: str) -> dict[str, str]:
    """As a material. path: in the repository."""
    return {f"git+{SOURCE}#{path}": hashlib.sha256((ROOT / Path(path)).read_bytes()).hexdigest()}


def lock_path(image: Image) -> str:
    """Of the lock file that says what the image holds, in the repository."""
    return "uv.lock" if image.packages else "services/triton/uv.lock"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
