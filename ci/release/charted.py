"""The chart of a release: the digests of its images are in its values."""

import gzip
import io
import re
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from ci.stack.errors import CommandFailed

# File of the chart, part in it, and the image that this part runs.
PARTS = (
    ("values.yaml", "api", "medinfer-api"),
    ("values.yaml", "operator", "medinfer-operator"),
    ("values.yaml", "bundles", "medinfer-bundles"),
    ("values-cpu.yaml", "triton", "medinfer-triton-cpu"),
)


def with_digests(chart: Path, target: Path, registry: str, digests: Mapping[str, str]) -> None:
    """A copy of the chart at `target`, which must not exist. `digests`: sha256:... by the image's name."""
    shutil.copytree(chart, target)
    _edit(target / "values.yaml", "image", "repository", registry)
    for file, part, image in PARTS:
        _edit(target / file, part, "image", f"{{digest: {digests[image]}}}")


def replaced(text: str, part: str, key: str, value: str) -> str:
    """The value of this key of a part, the comments left as they are. Raises CommandFailed where there is none."""
    pattern = rf"(^{part}:\n(?:(?: .*|#.*)?\n)*?  {key}:) [^\n]*"
    text, found = re.subn(pattern, lambda match: f"{match[1]} {value}", text, count=1, flags=re.MULTILINE)
    if not found:
        raise CommandFailed(f"the chart's values have no {part}.{key}")
    return text


def repack(package: Path, time: int) -> None:
    """The same files in the same order with one time, Unix seconds: the same commit gives the same bytes."""
    files = io.BytesIO()
    with tarfile.open(package) as old, tarfile.open(fileobj=files, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda one: one.name != "medinfer/Chart.yaml"):
            plain = tarfile.TarInfo(member.name)
            plain.size, plain.mode, plain.mtime = member.size, 0o644, time
            new.addfile(plain, old.extractfile(member))
    package.write_bytes(gzip.compress(files.getvalue(), mtime=0))


def _edit(path: Path, part: str, key: str, value: str) -> None:
    path.write_text(replaced(path.read_text(), part, key, value))
