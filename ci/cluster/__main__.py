"""`python -m ci.cluster start|install|down`; `make up` and `make down` see to what these need.

With KUBECONFIG, or CLUSTER=current, everything is done on that cluster, and `down` does nothing.
"""

import argparse
import sys

from ci.cluster import chart, lifecycle
from ci.cluster.errors import ClusterFailed
from ci.images.delivery import is_local
from ci.images.provide import provide_all


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ci.cluster", description="a Kubernetes of this folder's own")
    parser.add_argument("command", choices=("start", "install", "down"))
    command = parser.parse_args().command
    try:
        {"start": start, "install": chart.install, "down": down}[command]()
    except ClusterFailed as error:
        sys.exit(f"cluster: {error}")


def start() -> None:
    """A cluster with DNS, metrics and our images."""
    if is_local():
        lifecycle.up()
    chart.remember_images(provide_all())
    if is_local():
        lifecycle.add_addons()


def down() -> None:
    if is_local():
        lifecycle.down()


if __name__ == "__main__":
    main()
