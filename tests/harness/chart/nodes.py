"""Nodes as kubelets, the device plugin and GPU feature discovery write them; there are none behind them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from ci.stack.kubernetes import Client, Json
from ci.stack.waiting import wait_until

PATH = "/api/v1/nodes"
GPU = "nvidia.com/gpu"
numbers = itertools.count(1)


@dataclass(frozen=True)
class Node:
    """`devices`: count by resource; `product`: as GPU feature discovery names the card; `taint`: key=value."""

    name: str
    devices: dict[str, int] = field(default_factory=dict)
    product: str = ""
    taint: str = ""
    zone: str = ""
    cpu: str = "8"
    memory: str = "32Gi"


def gpu(name: str, product: str = "NVIDIA-L4", count: int = 1, taint: str = f"{GPU}=present", **rest: str) -> Node:
    """As in the usual pool of GPU nodes."""
    return Node(name, {GPU: count}, product, taint, **rest)


class Nodes:
    """The cluster's only ones, from `add` to `remove`. Each has its name with a number: no name ever comes again."""

    def __init__(self, client: Client) -> None:
        self._client, self._pods = client, "/api/v1/namespaces/default/pods"
        self._added: dict[str, str] = {}

    def add(self, nodes: Sequence[Node]) -> None:
        """Returns when the scheduler knows them all."""
        for node in nodes:
            name = f"{node.name}.{next(numbers)}"
            self._added[name] = node.name
            self._client.create(PATH, {"metadata": {"name": name, "labels": labels(node, name)}})
            self._client.merge(f"{PATH}/{name}/status", {"status": status(node)})
            # The API server gives each new node the taint not-ready, which a controller removes.
            self._client.merge(f"{PATH}/{name}", {"spec": {"taints": taints(node)}})
        self._wait_for_scheduler(name)

    def remove(self) -> None:
        for name in self._added:
            self._client.delete(f"{PATH}/{name}")
        self._added.clear()

    def plain(self, name: str) -> str:
        """Without the number."""
        return self._added[name]

    def _wait_for_scheduler(self, last: str) -> None:
        """Nodes and pods reach it on separate watches; once it binds a pod to the last node it has seen the others."""
        own = self._client.get(f"{PATH}/{last}")["spec"].get("taints", [])
        tolerations = [{"key": one["key"], "operator": "Exists"} for one in own]
        spec = {"nodeSelector": {"kubernetes.io/hostname": last}, "tolerations": tolerations}
        probe = spec | {"containers": [{"name": "probe", "image": "probe"}]}
        self._client.create(self._pods, {"metadata": {"name": "probe"}, "spec": probe})
        path = f"{self._pods}/probe"
        try:
            wait_until(lambda: self._client.get(path)["spec"].get("nodeName"), "the scheduler knows the nodes")
        finally:
            self._client.delete(path, gracePeriodSeconds="0")


def labels(node: Node, hostname: str) -> dict[str, str]:
    known = {"kubernetes.io/hostname": hostname, "kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}
    if node.product:
        known |= {"nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": node.product}
    return known | ({"topology.kubernetes.io/zone": node.zone} if node.zone else {})


def status(node: Node) -> Json:
    room = {"cpu": node.cpu, "memory": node.memory, "pods": "110"}
    room |= {resource: str(number) for resource, number in node.devices.items()}
    return {"capacity": room, "allocatable": room, "conditions": [{"type": "Ready", "status": "True"}]}


def taints(node: Node) -> list[Json]:
    key, _, value = node.taint.partition("=")
    return [{"key": key, "value": value, "effect": "NoSchedule"}] if key else []
