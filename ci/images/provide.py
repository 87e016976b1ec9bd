"""Brings images onto the cluster: builds those that were never built, delivers those that are missing."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.images import buildah
from ci.images.catalog import CLUSTERS, OBSERVERS, OURS, Image
from ci.stack.folders import CACHE
from ci.stack.lock import alone
from ci.stack.say import say

FILES = CACHE / "images"


@dataclass(frozen=True)
class Delivery:
    """How an image gets onto a cluster.

    `is_local`: the cluster is this folder's own; `images`: the names known to be there; `deliver` takes an archive in
    the format of `docker save`.
    """

    is_local: bool
    images: Callable[[], set[str]]
    deliver: Callable[[Path], None]


def provide_all(delivery: Delivery, names: Sequence[str] = (), *, observers: bool = False) -> dict[str, str]:
    """What each image is called on the cluster; all that belong there, or those named. Raises CommandFailed.

    `observers`: Prometheus and Jaeger, too.
    """
    wanted = (CLUSTERS if delivery.is_local else ()) + OURS + (OBSERVERS if observers else ())
    return provide_each([image for image in wanted if not names or image.name in names], delivery)


def provide_each(wanted: Iterable[Image], delivery: Delivery) -> dict[str, str]:
    """What each of these is called on the cluster, where it is afterwards. Raises CommandFailed."""
    with alone(FILES / ".lock", lambda: say("waiting for another build")):
        return {image.name: provide(image, delivery) for image in wanted}


def provide(image: Image, delivery: Delivery) -> str:
    """The image's name on the cluster, where it is afterwards."""
    key = image.key(buildah.BASE)
    registry = "localhost" if image.program else "docker.io/library"
    name = f"{registry}/{image.name}:{image.tag or key}"
    if name in delivery.images():
        return name
    began = time.monotonic()
    file = FILES / f"{image.name}-{key}.tar"
    if not file.exists():
        build(image, key, name, file)
    delivery.deliver(file)
    say(f"{image.name}: {file.stat().st_size / 1e6:.0f} MB, {time.monotonic() - began:.0f} s")
    return name


def build(image: Image, key: str, name: str, file: Path) -> None:
    """Into `file`, under this name; the files of what the image was before go."""
    built = in_store(image, key)
    buildah.remove_older(built)
    buildah.archive(built, name, file)
    for older in set(FILES.glob(f"{image.name}-{'[0-9a-f]' * 12}.tar")) - {file}:
        older.unlink()


def built_alone(image: Image) -> str:
    """What buildah calls it; built, unless it was, which waits for other builds. Raises CommandFailed."""
    key = image.key(buildah.BASE)
    if buildah.has(named(image, key)):
        return named(image, key)
    with alone(FILES / ".lock", lambda: say("waiting for another build")):
        return in_store(image, key)


def named(image: Image, key: str) -> str:
    """In buildah's store."""
    return f"localhost/{image.name}:{key}"


def in_store(image: Image, key: str) -> str:
    """The same for who has the lock."""
    built = named(image, key)
    if not buildah.has(built):
        say(f"building {image.name}")
        if not image.program:
            buildah.build_base()
        buildah.build(image, built)
    return built
