"""`python -m ci.cluster start|install|open|images|add-node|remove-node|down`; `make up` builds first what these need.

With KUBECONFIG, or CLUSTER=current, `start`, `install` and `images` work on that cluster, and `down` does nothing.
With OBSERVE=1 `start` and `install` add Prometheus and Jaeger to the local one.
"""

import argparse
import sys
from collections.abc import Sequence

from ci.cluster import chart, lifecycle, observers, opened
from ci.cluster.delivery import choose_delivery, is_local, to_node
from ci.cluster.nodes import SECOND
from ci.images.provide import provide_all
from ci.stack.errors import CommandFailed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ci.cluster", description="a Kubernetes of this folder's own")
    parser.add_argument("command", choices=[*COMMANDS, "images"])
    parser.add_argument("names", nargs="*", help="of images; default: all that the cluster lacks")
    arguments = parser.parse_args()
    if arguments.names and arguments.command != "images":
        parser.error(f"{arguments.command} takes no names")
    try:
        if arguments.command == "images":
            images(arguments.names)
        else:
            COMMANDS[arguments.command]()
    except CommandFailed as error:
        sys.exit(f"cluster: {error}")


def start() -> None:
    """A cluster with DNS, metrics and our images."""
    if is_local():
        lifecycle.up()
    observed = observers.are_wanted()
    chart.remember_images(provide_all(choose_delivery(), observers=observed))
    if is_local():
        lifecycle.add_addons()
    if observed:
        observers.add()


def install() -> None:
    chart.install(settings=observers.SETTINGS if observers.are_wanted() else {})


def images(names: Sequence[str]) -> None:
    """Builds what is not there yet, gives it to the cluster, and prints each image's name.

    The hash of what an image is made of is in its name, so that the second time takes seconds.
    """
    for name in provide_all(choose_delivery(), names).values():
        print(name, flush=True)


def add_node() -> None:
    """A second one for the local cluster, Ready, with our images."""
    lifecycle.start_containerd(SECOND)
    provide_all(to_node(SECOND))
    lifecycle.start_kubelet(SECOND)


def remove_node() -> None:
    """At once, like a node that fails: drain it first."""
    lifecycle.stop_node(SECOND)
    lifecycle.kubectl("delete", "node", SECOND.name)


def down() -> None:
    if is_local():
        lifecycle.down()


COMMANDS = {
    "start": start,
    "install": install,
    "open": opened.open_all,
    "add-node": add_node,
    "remove-node": remove_node,
    "down": down,
}


if __name__ == "__main__":
    main()
