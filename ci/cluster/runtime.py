"""containerd's side of a node: images that are there, and an end for every container."""

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

import grpc

from ci.cluster import cgroups
from ci.cluster.nodes import Node

CNI_RESULTS = Path("/var/lib/cni/results")


def is_up(node: Node) -> bool:
    return subprocess.run(_ctr(node, "version"), capture_output=True).returncode == 0


def takes_pods(node: Node) -> bool:
    """Whether the kubelet would be answered: it ends when it asks too early."""
    with grpc.insecure_channel(f"unix://{node.containerd}") as channel:
        ask = channel.unary_unary("/runtime.v1.RuntimeService/Version")
        try:
            ask(b"", timeout=2)
        except grpc.RpcError:
            return False
    return True


def images(node: Node) -> set[str]:
    """Full names, `docker.io/library/medinfer-api:1f0c5e3b1d7e` for one."""
    return set(_ask(node, "images", "ls", "-q").split())


def import_image(node: Node, archive: Path) -> None:
    """archive: as `docker save` writes it."""
    subprocess.run(_ctr(node, "images", "import", str(archive)), check=True, stdout=subprocess.DEVNULL)


def remove_containers(node: Node) -> None:
    """At once, without asking them to end. containerd has to run."""
    _kill(cgroups.pids(node))
    names = _ask(node, "containers", "ls", "-q").split()
    for namespace in {space for name in names for space in _network_namespaces(node, name)}:
        subprocess.run(["ip", "netns", "delete", Path(namespace).name], capture_output=True)
    for name in names:
        subprocess.run(_ctr(node, "tasks", "rm", "--force", name), capture_output=True)
        for result in CNI_RESULTS.glob(f"*-{name}-*"):
            result.unlink(missing_ok=True)
    if names:
        subprocess.run(_ctr(node, "containers", "rm", *names), capture_output=True)


def kill_container(node: Node, name: str) -> None:
    """SIGKILL to its first process, and with it to all."""
    subprocess.run(_ctr(node, "tasks", "kill", "--signal", "SIGKILL", name), check=True)


def remove_leftovers(node: Node) -> None:
    """Shims, mounts and cgroups, which outlive containerd."""
    _kill(_shims(node))
    for mount in _mounts(node):
        subprocess.run(["umount", "--lazy", mount], capture_output=True)
    cgroups.remove(node)


def _network_namespaces(node: Node, container: str) -> list[str]:
    """Paths. The container runtime makes one for each pod, and it stays until someone deletes it."""
    spec = json.loads(_ask(node, "containers", "info", container))["Spec"]
    return [one["path"] for one in spec["linux"]["namespaces"] if one["type"] == "network" and one.get("path")]


def _kill(pids: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _shims(node: Node) -> set[int]:
    found = set()
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and node.containerd.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                found.add(int(process.name))
    return found - {os.getpid()}


def _mounts(node: Node) -> list[str]:
    """Below its folders, the innermost first."""
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    ours = [place for place in places if place.startswith((f"{node.folder}/", f"{node.sockets}/"))]
    return sorted(ours, reverse=True)


def _ask(node: Node, *arguments: str) -> str:
    return subprocess.run(_ctr(node, *arguments), check=True, capture_output=True, text=True).stdout


def _ctr(node: Node, *arguments: str) -> list[str]:
    return ["ctr", "--address", node.containerd, "--namespace", "k8s.io", *arguments]
