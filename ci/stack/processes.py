"""One child process with a log file, that never outlives us."""

import contextlib
import os
import signal
import ssl
import subprocess
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Self

import httpx

from ci.stack.folders import ROOT
from ci.stack.http import client


class ProcessEnded(Exception):
    """A process ended, or was not ready in time; the message closes with the end of its log."""


class Process:
    """Started by `start`, or as a context manager; its process group is killed when it does not stop in time."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name, self.command, self.environment, self.log = name, list(command), dict(environment), log
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns at once; a second start continues the same log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *self.command],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._child is not None, f"{self.name} was not started"
        return self._child.pid

    def is_running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self, timeout_seconds: float) -> int:
        """The exit status (minus the signal's number); raises subprocess.TimeoutExpired."""
        assert self._child is not None, f"{self.name} was not started"
        return self._child.wait(timeout_seconds)

    def stop(self, timeout_seconds: float = 20) -> None:
        """SIGTERM, then SIGKILL to the whole group when the time is over; no error when it is gone already."""
        if self._child is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(timeout_seconds)
        self.kill()

    def kill(self) -> None:
        """SIGKILL to the process and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait(30)

    def log_tail(self, lines: int = 20) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def wait_until_ready(self, url: str, timeout_seconds: float, verify: ssl.SSLContext | None = None) -> None:
        """Polls url until it answers 200; raises ProcessEnded with the log's end otherwise.

        `verify`: whom to trust and who we are, where the URL is https.
        """
        get = client.get if verify is None else partial(httpx.get, verify=verify)
        deadline = time.monotonic() + timeout_seconds
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                if get(url, timeout=2).status_code == 200:
                    return
            if not self.is_running():
                raise ProcessEnded(f"{self.name} ended before it was ready:\n{self.log_tail()}")
            time.sleep(0.05)
        raise ProcessEnded(f"{self.name} was not ready at {url} within {timeout_seconds:g} s:\n{self.log_tail()}")

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
