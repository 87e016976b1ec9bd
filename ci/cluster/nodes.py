"""The nodes: each a kubelet and a containerd, all in one network namespace, on one bridge, behind one kube-proxy.

The first is the cluster. The second is there for as long as something is to move to another node.
"""

from dataclasses import dataclass
from pathlib import Path

from ci.cluster.places import CONTAINERS, NAME, NODE_NETWORK, SOCKETS, STATE


@dataclass(frozen=True)
class Node:
    """`sockets`: also what containerd keeps while it runs; `store`: its images, which stay."""

    name: str
    address: str

    @property
    def folder(self) -> Path:
        return STATE / self.name

    @property
    def sockets(self) -> Path:
        return Path(SOCKETS) / self.name

    @property
    def containerd(self) -> str:
        return f"{self.sockets}/containerd.sock"

    @property
    def store(self) -> Path:
        return CONTAINERS / self.name

    @property
    def cgroup(self) -> str:
        """Kubelets under one would end each other's pods."""
        return f"{NAME}-{self.name}"


FIRST = Node("medinfer", f"{NODE_NETWORK}.1")
SECOND = Node("medinfer-2", f"{NODE_NETWORK}.2")
NODES = (FIRST, SECOND)
