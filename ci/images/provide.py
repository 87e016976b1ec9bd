"""Images on the cluster: built when nobody built them before, delivered when they are not there."""

import time
from collections.abc import Sequence

from ci.cluster.places import FOLDER
from ci.images import buildah
from ci.images.catalog import CLUSTERS, OURS, Image
from ci.images.delivery import Delivery, choose_delivery
from ci.images.lock import alone
from ci.images.say import say

FILES = FOLDER / "images"


def provide_all(names: Sequence[str] = ()) -> dict[str, str]:
    """What each image is called on the cluster; all that belong there, or those named. Raises ClusterFailed."""
    delivery = choose_delivery()
    wanted = (CLUSTERS if delivery.is_local else ()) + OURS
    with alone(FILES):
        return {image.name: provide(image, delivery) for image in wanted if not names or image.name in names}


def provide(image: Image, delivery: Delivery) -> str:
    """The image's name on the cluster, where it is afterwards."""
    tag = image.tag or image.key(buildah.BASE)
    registry = "localhost" if image.program else "docker.io/library"
    name, built = f"{registry}/{image.name}:{tag}", f"localhost/{image.name}:{image.key(buildah.BASE)}"
    if name in delivery.images():
        return name
    began = time.monotonic()
    if not buildah.has(built):
        say(f"building {image.name}")
        if not image.program:
            buildah.build_base()
        buildah.build(image, built)
    file = FILES / f"{image.name}.tar"
    buildah.archive(built, name, file)
    delivery.deliver(file)
    say(f"{image.name}: {file.stat().st_size / 1e6:.0f} MB, {time.monotonic() - began:.0f} s")
    file.unlink()
    return name
