"""containerd's side: images that are there, and an end for every container."""

import contextlib
import json
import os
import signal
import subprocess
from pathlib import Path

import grpc

from ci.cluster.places import CONTAINERD, NAME, STATE

CGROUPS = Path("/sys/fs/cgroup")
CNI_RESULTS = Path("/var/lib/cni/results")


def is_up() -> bool:
    return subprocess.run(_ctr("version"), capture_output=True).returncode == 0


def takes_pods() -> bool:
    """Whether the kubelet would be answered: it ends when it asks too early."""
    with grpc.insecure_channel(f"unix://{CONTAINERD}") as channel:
        ask = channel.unary_unary("/runtime.v1.RuntimeService/Version")
        try:
            ask(b"", timeout=2)
        except grpc.RpcError:
            return False
    return True


def images() -> set[str]:
    """Full names, `docker.io/library/medinfer-api:1f0c5e3b1d7e` for one."""
    return set(_ask("images", "ls", "-q").split())


def import_image(archive: Path) -> None:
    """archive: as `docker save` writes it."""
    subprocess.run(_ctr("images", "import", str(archive)), check=True, stdout=subprocess.DEVNULL)


def create_cgroups() -> None:
    """One of ours in every hierarchy: kubelets of two clusters under one would end each other's pods.

    cgroup v1 gives it the CPU of a single busy thread beside the machine's other processes, so it is given what the
    kubelet gives all pods: 1024 shares for each core.
    """
    for folder in _hierarchies():
        group = folder / NAME
        group.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if (group / name).exists() and not (group / name).read_text().strip():
                (group / name).write_text((folder / name).read_text())
        if (group / "cpu.shares").exists():
            (group / "cpu.shares").write_text(str(1024 * (os.cpu_count() or 1)))


def remove_containers() -> None:
    """At once, without asking them to end. containerd has to run."""
    for pid in _pids_in_cgroups():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    names = _ask("containers", "ls", "-q").split()
    for namespace in {space for name in names for space in _network_namespaces(name)}:
        subprocess.run(["ip", "netns", "delete", Path(namespace).name], capture_output=True)
    for name in names:
        subprocess.run(_ctr("tasks", "rm", "--force", name), capture_output=True)
        for result in CNI_RESULTS.glob(f"*-{name}-*"):
            result.unlink(missing_ok=True)
    if names:
        subprocess.run(_ctr("containers", "rm", *names), capture_output=True)


def kill_container(name: str) -> None:
    """SIGKILL to its first process, and with it to all."""
    subprocess.run(_ctr("tasks", "kill", "--signal", "SIGKILL", name), check=True)


def remove_leftovers() -> None:
    """Shims, mounts and cgroups, which outlive containerd."""
    for pid in _shims():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for mount in _mounts():
        subprocess.run(["umount", "--lazy", mount], capture_output=True)
    for hierarchy in _hierarchies():
        for group, _, _ in os.walk(hierarchy / NAME, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(group)


def _network_namespaces(container: str) -> list[str]:
    """Paths; those of a pod are made by the container runtime and stay when nobody deletes them."""
    spec = json.loads(_ask("containers", "info", container))["Spec"]
    return [one["path"] for one in spec["linux"]["namespaces"] if one["type"] == "network" and one.get("path")]


def _hierarchies() -> list[Path]:
    """cgroup v2 is one; v1 has one for each controller, some of them under two names."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()]


def _pids_in_cgroups() -> set[int]:
    files = (file for folder in _hierarchies() for file in (folder / NAME).rglob("cgroup.procs"))
    return {int(pid) for file in files for pid in file.read_text().split()}


def _shims() -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and CONTAINERD.encode() in (process / "cmdline").read_bytes().split(b"\0"):
                found.append(int(process.name))
    return [pid for pid in found if pid != os.getpid()]


def _mounts() -> list[str]:
    """Below our folders, the innermost first."""
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    ours = [place for place in places if place.startswith((f"{STATE}/", f"/run/{NAME}/"))]
    return sorted(ours, reverse=True)


def _ask(*arguments: str) -> str:
    return subprocess.run(_ctr(*arguments), check=True, capture_output=True, text=True).stdout


def _ctr(*arguments: str) -> list[str]:
    return ["ctr", "--address", CONTAINERD, "--namespace", "k8s.io", *arguments]
