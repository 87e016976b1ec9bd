"""ci/calmly: a command runs as it would alone, and nothing of its group stays."""

import subprocess
from pathlib import Path

from ci.stack.folders import ROOT


def calmly(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "ci" / "calmly", *command], capture_output=True, text=True, timeout=60, check=False)


def test_a_command_ends_as_it_would_alone() -> None:
    done = calmly("bash", "-c", "echo said; exit 3")
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "")


def test_its_group_is_gone_even_if_a_process_stays() -> None:
    staying = "sleep 60 >/dev/null 2>&1 & echo $!"
    pid = int(calmly("bash", "-c", staying).stdout)
    try:
        assert "medinfer-calm" not in Path(f"/proc/{pid}/cgroup").read_text()
    finally:
        subprocess.run(["kill", str(pid)], check=True)
