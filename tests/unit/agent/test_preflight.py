from pathlib import Path

import pytest
from replica_agent.preflight import check_disk, check_memory, free_memory_bytes
from replica_agent.state import Reason, VersionFailed

GIB = 1 << 30


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, Path]:
    """A /sys/fs/cgroup and a /proc of a machine with 8 GiB available and no limits."""
    proc, cgroups = tmp_path / "proc", tmp_path / "cgroup"
    write(proc / "meminfo", f"MemTotal: 1 kB\nMemAvailable: {8 * GIB // 1024} kB\n")
    write(proc / "self/cgroup", "4:memory:/pod/agent\n0::/pod/agent\n")
    cgroups.mkdir()
    return cgroups, proc


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def limit_v2(folder: Path, limit: str, used: int, inactive: int) -> None:
    write(folder / "memory.max", f"{limit}\n")
    write(folder / "memory.current", f"{used}\n")
    write(folder / "memory.stat", f"anon 1\ninactive_file {inactive}\n")


def limit_v1(folder: Path, limit: int, used: int, inactive: int) -> None:
    write(folder / "memory.limit_in_bytes", f"{limit}\n")
    write(folder / "memory.usage_in_bytes", f"{used}\n")
    write(folder / "memory.stat", f"inactive_file 7\ntotal_inactive_file {inactive}\n")


def test_without_limits_the_machine_counts(machine: tuple[Path, Path]) -> None:
    assert free_memory_bytes(True, *machine) == 8 * GIB


def test_page_cache_that_can_be_taken_back_is_free(machine: tuple[Path, Path]) -> None:
    limit_v2(machine[0] / "pod/agent", str(4 * GIB), used=3 * GIB, inactive=2 * GIB)
    assert free_memory_bytes(True, *machine) == 3 * GIB


def test_the_tightest_cgroup_on_the_way_up_counts(machine: tuple[Path, Path]) -> None:
    limit_v2(machine[0] / "pod/agent", "max", used=GIB, inactive=0)
    limit_v2(machine[0] / "pod", str(2 * GIB), used=GIB, inactive=0)
    assert free_memory_bytes(True, *machine) == GIB


def test_inside_a_container_its_cgroup_is_the_root(machine: tuple[Path, Path]) -> None:
    limit_v2(machine[0], str(2 * GIB), used=GIB, inactive=0)
    assert free_memory_bytes(True, *machine) == GIB


def test_cgroup_v1(machine: tuple[Path, Path]) -> None:
    limit_v1(machine[0] / "memory/pod/agent", 4 * GIB, used=3 * GIB, inactive=GIB)
    limit_v1(machine[0] / "memory", 2**63 - 4096, used=9 * GIB, inactive=0)
    assert free_memory_bytes(True, *machine) == 2 * GIB


def test_a_triton_in_another_container_has_other_limits(machine: tuple[Path, Path]) -> None:
    limit_v2(machine[0] / "pod/agent", str(GIB), used=GIB, inactive=0)
    assert free_memory_bytes(False, *machine) == 8 * GIB


def test_this_machine_has_memory_left() -> None:
    assert 0 < free_memory_bytes(True) <= free_memory_bytes(False)


def test_a_shortage_of_memory_names_both_numbers() -> None:
    check_memory(2, 100, 100)
    with pytest.raises(VersionFailed, match="version 2 needs 300 MiB, 200 MiB are free") as failed:
        check_memory(2, 300 << 20, 200 << 20)
    assert failed.value.reason is Reason.INSUFFICIENT_MEMORY


def test_a_shortage_of_disk_names_the_variable(tmp_path: Path) -> None:
    check_disk(tmp_path, 1, 0)
    with pytest.raises(VersionFailed, match="MEDINFER_AGENT_MIN_FREE_DISK_BYTES") as failed:
        check_disk(tmp_path, 1, 1 << 60)
    assert failed.value.reason is Reason.INSUFFICIENT_DISK
