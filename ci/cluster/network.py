"""The cluster's own network namespace: the nodes' addresses, pods and Services exist there and nowhere else."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from ci.cluster.nodes import NODES
from ci.cluster.places import NAME, NETWORK_NAMESPACE, NODE_NETWORK


def inside(command: Sequence[str]) -> list[str]:
    """Not `ip netns exec`: that mounts /sys again, and the kubelet then finds no cgroups."""
    return ["nsenter", f"--net={NETWORK_NAMESPACE}", *command]


def create() -> None:
    """Does nothing when it is there."""
    if Path(NETWORK_NAMESPACE).exists():
        return
    _run("ip", "netns", "add", NAME)
    _ip("link", "set", "lo", "up")
    # A bridge, as not every kernel has the `dummy` device.
    _ip("link", "add", "node0", "type", "bridge")
    for node in NODES:
        _ip("addr", "add", f"{node.address}/24", "dev", "node0")
    _ip("link", "set", "node0", "up")
    # kube-proxy and the kubelets want a default route; nothing answers there.
    _ip("route", "add", "default", "via", f"{NODE_NETWORK}.254", "dev", "node0")
    _run(*inside(["sysctl", "-qw", "net.ipv4.ip_forward=1"]))


def delete() -> None:
    """With every interface in it."""
    if Path(NETWORK_NAMESPACE).exists():
        _run("ip", "netns", "delete", NAME)


def _ip(*arguments: str) -> None:
    _run("ip", "-n", NAME, *arguments)


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
