"""Processes that outlive the command that started them: a pid file and a log each, inside the network namespace."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from ci.cluster.network import inside
from ci.cluster.places import LOGS, STATE


@dataclass(frozen=True)
class Daemon:
    """`command`: a program and its arguments. Its files are named after `name`."""

    name: str
    command: tuple[str, ...]

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name}.log"

    def start(self) -> None:
        """Does nothing when it runs."""
        if self.pid() is not None:
            return
        for folder in (LOGS, STATE):
            folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                inside(self.command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._pid_file.write_text(str(child.pid))

    def pid(self) -> int | None:
        """None when it does not run. A number that another program has by now does not count."""
        try:
            pid = int(self._pid_file.read_text())
            arguments = _arguments(pid)
        except (OSError, ValueError):
            return None
        return pid if self.command[0] in arguments else None

    def kill(self, number: signal.Signals = signal.SIGKILL, timeout_seconds: float = 10) -> None:
        """Waits until it is gone; SIGKILL when that takes too long."""
        pid = self.pid()
        if pid is None:
            return
        deadline = time.monotonic() + timeout_seconds
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            while self.pid() is not None and time.monotonic() < deadline:
                time.sleep(0.02)
            if self.pid() is not None:
                os.kill(pid, signal.SIGKILL)

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @property
    def _pid_file(self) -> Path:
        return STATE / f"{self.name}.pid"


def _arguments(pid: int) -> list[str]:
    """Empty of a process that has ended. For an instant they are empty, too, while nsenter becomes the program."""
    for _ in range(5):
        if arguments := Path(f"/proc/{pid}/cmdline").read_bytes():
            return arguments.decode().split("\0")
        time.sleep(0.02)
    return []
