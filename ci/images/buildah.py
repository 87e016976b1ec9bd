"""buildah, and a base image made by debootstrap, since no registry is needed then. All of it lies in .cluster/."""

import os
import shutil
import subprocess
from pathlib import Path

from ci.images.catalog import PROGRAMS, Image
from ci.stack.errors import CommandFailed
from ci.stack.folders import CLUSTER, ROOT

STORE = CLUSTER / "buildah"
SUITE = "bookworm"
PACKAGES = "ca-certificates,python3,python3-venv"
BASE = f"localhost/medinfer-base:{SUITE}"

# Where this machine reaches a package index through a proxy of its own, these say how.
HOST_FILES = ("/etc/ssl/certs", "/etc/pip.conf")


def has(reference: str) -> bool:
    return _run("images", "--quiet", reference, check=False).returncode == 0


def build_base() -> None:
    """Debian with Python, about two minutes; does nothing when it is there."""
    if has(BASE):
        return
    folder = CLUSTER / "base"
    shutil.rmtree(folder, ignore_errors=True)
    debootstrap = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(folder / "root")]
    subprocess.run(debootstrap, check=True, stdout=subprocess.DEVNULL)
    for left in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(folder / "root" / left)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY root /\n")
    _run("build", "--tag", BASE, str(folder))
    shutil.rmtree(folder)


def build(image: Image, reference: str) -> None:
    """Raises CommandFailed with the end of buildah's words."""
    arguments = ["--file", str(ROOT / image.dockerfile), "--tag", reference, "--build-arg", f"BASE={BASE}"]
    context = ROOT
    if image.program:
        arguments += ["--build-arg", f"PROGRAM={image.program}"]
        context = ROOT / PROGRAMS
    mounts = [f"--volume={path}:{path}:ro" for path in HOST_FILES if Path(path).exists()]
    _run("build", "--layers", "--pull-never", *mounts, *arguments, str(context))


def archive(reference: str, name: str, path: Path) -> None:
    """As `docker save` writes it, under this name."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    _run("push", "--quiet", reference, f"docker-archive:{part}:{name}")
    part.rename(path)


def _run(command: str, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "overlay"}
    places = ["--root", str(STORE), "--runroot", str(CLUSTER / "buildah-run")]
    done = subprocess.run(["buildah", *places, command, *arguments], env=environment, text=True, capture_output=True)
    if check and done.returncode != 0:
        raise CommandFailed(f"buildah {command} {' '.join(arguments)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done
