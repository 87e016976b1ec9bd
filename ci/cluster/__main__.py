"""`python -m ci.cluster start|install|add-node|remove-node|down`; `make up` and `make down` see to what these need.

With KUBECONFIG, or CLUSTER=current, `start` and `install` do it on that cluster, and `down` does nothing.
"""

import argparse
import sys

from ci.cluster import chart, lifecycle
from ci.cluster.errors import ClusterFailed
from ci.cluster.nodes import SECOND
from ci.images.delivery import choose_delivery, is_local, to_node
from ci.images.provide import provide_all


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ci.cluster", description="a Kubernetes of this folder's own")
    parser.add_argument("command", choices=COMMANDS)
    command = parser.parse_args().command
    try:
        COMMANDS[command]()
    except ClusterFailed as error:
        sys.exit(f"cluster: {error}")


def start() -> None:
    """A cluster with DNS, metrics and our images."""
    if is_local():
        lifecycle.up()
    chart.remember_images(provide_all(choose_delivery()))
    if is_local():
        lifecycle.add_addons()


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
    "install": chart.install,
    "add-node": add_node,
    "remove-node": remove_node,
    "down": down,
}


if __name__ == "__main__":
    main()
