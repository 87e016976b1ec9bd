"""Which images there are, and what each is made of."""

import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ci.stack.folders import ROOT

PROGRAMS = ".tools/cluster/bin"
LEFT_OUT = {".venv", "__pycache__"}


@dataclass(frozen=True)
class Image:
    """`sources`: files and folders that it is built from; `packages`: those of the workspace that it holds, with all
    that uv.lock names for them; `program`: of ci/cluster/build; `root`: where the sources are, if not in this checkout.

    An image with a `tag` of its own is named in a manifest; the others' tag is the hash of what they are made of.
    """

    name: str
    dockerfile: str
    sources: tuple[str, ...]
    packages: tuple[str, ...] = ()
    program: str = ""
    tag: str = ""
    root: Path | None = None

    @property
    def context(self) -> Path:
        return self.root or ROOT

    def key(self, base: str) -> str:
        """Hash of all it is made of; `base` names the base image."""
        digest = hashlib.sha256((base + requirements(self.packages, self.context)).encode())
        for path in sorted(files((self.dockerfile, *self.sources), self.context)):
            digest.update(
                f"{path.relative_to(self.context)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode()
            )
        return digest.hexdigest()[:12]


def requirements(packages: tuple[str, ...], root: Path) -> str:
    """What uv.lock pins for them: the root's files change more often than that."""
    if not packages:
        return ""
    named = [part for package in packages for part in ("--package", package)]
    export = ["export", "--frozen", "--no-default-groups", "--all-extras", "--no-header", *named]
    return subprocess.run(
        [str(ROOT / ".tools/bin/uv"), *export], cwd=root, check=True, capture_output=True, text=True
    ).stdout


def files(sources: tuple[str, ...], root: Path) -> Iterator[Path]:
    for source in sources:
        path = root / source
        if path.is_file():
            yield path
        yield from (one for one in path.rglob("*") if one.is_file() and not LEFT_OUT & set(one.parts))


def _program(name: str) -> Image:
    return Image(name, "ci/cluster/Dockerfile", (f"{PROGRAMS}/{name}",), program=name, tag="1")


OURS = (
    Image("medinfer-api", "services/api/Dockerfile", ("services/api", "services/common"), ("inference-api",)),
    Image(
        "medinfer-operator",
        "operators/rollout/Dockerfile",
        ("operators", "services/common", "model_repository/modelctl/__init__.py", "model_repository/modelctl/bundle"),
        ("replica-agent", "rollout-operator"),
    ),
    Image("medinfer-triton-cpu", "services/triton/Dockerfile", ("services/triton",)),
    Image(
        "medinfer-bundles",
        "model_repository/Dockerfile",
        tuple(f"model_repository/{part}" for part in ("modelctl", "pyproject.toml", "resnet_medical/config.pbtxt")),
        ("modelctl",),
    ),
)
CLUSTERS = tuple(_program(name) for name in ("pause", "coredns", "metrics-server"))
OBSERVERS = tuple(_program(name) for name in ("prometheus", "jaeger"))
