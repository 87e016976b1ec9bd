"""A node's cgroup in every hierarchy: what the kubelet starts is in there, and nothing else."""

import contextlib
import os
from pathlib import Path

from ci.cluster.nodes import Node

CGROUPS = Path("/sys/fs/cgroup")


def create(node: Node) -> None:
    """cgroup v1 gives it the CPU of a single busy thread next to the machine's other processes, so it is given what the
    kubelet gives all pods: 1024 shares for each core.
    """
    for folder in _hierarchies():
        group = folder / node.cgroup
        group.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            if (group / name).exists() and not (group / name).read_text().strip():
                (group / name).write_text((folder / name).read_text())
        if (group / "cpu.shares").exists():
            (group / "cpu.shares").write_text(str(1024 * (os.cpu_count() or 1)))


def pids(node: Node) -> set[int]:
    files = (file for folder in _hierarchies() for file in (folder / node.cgroup).rglob("cgroup.procs"))
    return {int(pid) for file in files for pid in file.read_text().split()}


def remove(node: Node) -> None:
    """All that are empty."""
    for folder in _hierarchies():
        for group, _, _ in os.walk(folder / node.cgroup, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(group)


def _hierarchies() -> list[Path]:
    """cgroup v2 is one; v1 has one for each controller, some of them under two names."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [path for path in CGROUPS.iterdir() if path.is_dir() and not path.is_symlink()]
