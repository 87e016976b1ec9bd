"""buildah, and a base image made by debootstrap, since no registry is needed then.

Its store lies in the home folder: a fresh clone builds on the layers of another one. Call it under one lock.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ci.images.catalog import PROGRAMS, Image
from ci.stack.errors import CommandFailed
from ci.stack.folders import CACHE, ROOT

STORE = CACHE / "buildah"
SUITE = "bookworm"
PACKAGES = "ca-certificates,python3,python3-venv"
BASE = f"localhost/medinfer-base:{SUITE}-{hashlib.sha256(PACKAGES.encode()).hexdigest()[:12]}"
MAX_STEPS = 200  # a build after a change of ours adds about ten, of some megabytes

# Where this machine reaches a package index through a proxy of its own, these say how.
HOST_FILES = ("/etc/ssl/certs", "/etc/pip.conf")


def has(reference: str) -> bool:
    return _run("images", "--quiet", reference, check=False).returncode == 0


def build_base() -> None:
    """Debian with Python, about two minutes; does nothing when it is there."""
    if has(BASE):
        return
    folder = CACHE / "base"
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
    arguments = ["--file", str(image.context / image.dockerfile), "--tag", reference, "--build-arg", f"BASE={BASE}"]
    context = image.context
    if image.program:
        arguments += ["--build-arg", f"PROGRAM={image.program}"]
        context = ROOT / PROGRAMS
    mounts = [f"--volume={path}:{path}:ro" for path in HOST_FILES if Path(path).exists()]
    _run("build", "--layers", "--pull-never", *mounts, *arguments, str(context))


def remove_older(reference: str) -> None:
    """Every other tag of this image; once many steps of builds are kept, those that no image has any more, too."""
    name = reference.rpartition(":")[0]
    listed = _run("images", "--format", "{{.Name}}:{{.Tag}}").stdout.split()
    if older := [one for one in listed if one.rpartition(":")[0] == name and one != reference]:
        _run("rmi", *older)
    if len(_run("images", "--all", "--quiet").stdout.split()) > MAX_STEPS:
        _run("rmi", "--prune")


def archive(reference: str, name: str, path: Path) -> None:
    """As `docker save` writes it, under this name."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    _run("push", "--quiet", reference, f"docker-archive:{part}:{name}")
    part.rename(path)


@contextmanager
def mounted(reference: str) -> Iterator[Path]:
    """The file system of an image in the store, as root. Raises CommandFailed."""
    container = _run("from", "--pull-never", reference).stdout.strip()
    try:
        yield Path(_run("mount", container).stdout.strip())
    finally:
        _run("rm", container)


def push(reference: str, target: str, digest_file: Path) -> str:
    """To a registry, as target, a name with a tag; the digest that it has there. Raises CommandFailed."""
    _run("push", "--quiet", "--format", "oci", "--digestfile", str(digest_file), reference, f"docker://{target}")
    return digest_file.read_text().strip()


def digest(reference: str) -> str:
    """Of an image in the store."""
    return _run("images", "--format", "{{.Digest}}", reference).stdout.split()[0]


def _run(command: str, *arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    environment = _credentials() | os.environ | {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "overlay"}
    places = ["--root", str(STORE), "--runroot", str(CACHE / "buildah-run")]
    done = subprocess.run(["buildah", *places, command, *arguments], env=environment, text=True, capture_output=True)
    if check and done.returncode != 0:
        raise CommandFailed(f"buildah {command} {' '.join(arguments)}:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def _credentials() -> dict[str, str]:
    """Where `docker login` left them, which this buildah looks for in the home folder only."""
    folder = os.environ.get("DOCKER_CONFIG")
    return {"REGISTRY_AUTH_FILE": f"{folder}/config.json"} if folder else {}
