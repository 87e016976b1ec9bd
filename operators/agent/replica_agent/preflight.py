"""Checks before a step that its memory and disk are free."""

import errno
import shutil
from pathlib import Path

from replica_agent.state import Reason, VersionFailed

CGROUP_ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc")

# (limit file, usage file, key in memory.stat of what the kernel can take back at once): cgroup v2 and v1
_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def check_memory(version: int, needed_bytes: int, free_bytes: int) -> None:
    """Raises VersionFailed (InsufficientMemory)."""
    if needed_bytes > free_bytes:
        message = (
            f"version {version} needs {_mib(needed_bytes)}, {_mib(free_bytes)} are free; make room or raise the limit"
        )
        raise VersionFailed(Reason.INSUFFICIENT_MEMORY, message)


def check_disk(folder: Path, needed_bytes: int, min_free_bytes: int) -> None:
    """Raises VersionFailed (InsufficientDisk) when less than `min_free_bytes` would be left."""
    free = shutil.disk_usage(folder).free
    if needed_bytes + min_free_bytes > free:
        message = (
            f"{_mib(needed_bytes)} would leave less than {_mib(min_free_bytes)} of the {_mib(free)} that are free; "
            "make room, or lower MEDINFER_AGENT_MIN_FREE_DISK_BYTES"
        )
        raise VersionFailed(Reason.INSUFFICIENT_DISK, message)


def is_disk_full(error: OSError) -> bool:
    """The disk or the quota is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def free_memory_bytes(in_our_cgroup: bool, cgroup_root: Path = CGROUP_ROOT, proc: Path = PROC) -> int:
    """The least free bytes: of the machine and, `in_our_cgroup`, of this process's cgroups (v1, v2). Raises OSError."""
    if not in_our_cgroup:
        return _machine_free(proc)
    lines = (line.partition("::")[2] for line in _read(proc / "self/cgroup").splitlines() if line.startswith("0::"))
    v1 = [line.split(":", 2)[2] for line in _read(proc / "self/cgroup").splitlines() if ":memory:" in line]
    limits = [_free_in(cgroup_root, path, _V2) for path in lines]
    limits += [_free_in(cgroup_root / "memory", path, _V1) for path in v1]
    return min([_machine_free(proc), *(free for free in limits if free is not None)])


def _free_in(root: Path, path: str, names: tuple[str, str, str]) -> int | None:
    """The least left in the cgroup and those above it; in a container its own may be the root."""
    folder = root / path.lstrip("/")
    folders = [folder, *folder.parents]
    found = [_free(place, names) for place in folders[: folders.index(root) + 1] if (place / names[0]).is_file()]
    limits = [free for free in found if free is not None]
    return min(limits) if limits else None


def _free(folder: Path, names: tuple[str, str, str]) -> int | None:
    limit, usage, reclaimable = names
    text = _read(folder / limit).strip()
    if not text.isdigit():
        return None  # it says max: no limit
    stat = dict(line.split(maxsplit=1) for line in _read(folder / "memory.stat").splitlines() if " " in line)
    used = int(_read(folder / usage)) - int(stat.get(reclaimable, 0))
    return max(0, int(text) - max(0, used))


def _machine_free(proc: Path) -> int:
    for line in _read(proc / "meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{proc / 'meminfo'} does not say MemAvailable")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _mib(count: int) -> str:
    return f"{count / (1 << 20):.0f} MiB"
