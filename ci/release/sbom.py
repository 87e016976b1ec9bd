"""What an image holds, as a CycloneDX document: the packages that its lock file names."""

import json
import subprocess
from pathlib import Path

from ci.images.catalog import Image
from ci.stack.errors import CommandFailed
from ci.stack.folders import ROOT

TRITON = ROOT / "services" / "triton"  # has a lock file of its own


def write(image: Image, target: Path) -> None:
    """Raises CommandFailed."""
    named = [part for package in image.packages for part in ("--package", package)]
    project = [] if image.packages else ["--project", str(TRITON)]
    options = ["--frozen", "--no-default-groups", "--all-extras", "--format", "cyclonedx1.5"]
    command = [str(ROOT / ".tools/bin/uv"), "export", "--quiet", *project, *options, *named]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(command[1:3])}: {done.stderr.strip()}")
    json.loads(done.stdout)
    target.write_text(done.stdout)


def lock_file(image: Image) -> str:
    """Its path in the repository."""
    return "uv.lock" if image.packages else "services/triton/uv.lock"
