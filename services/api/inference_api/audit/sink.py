"""Where the lines go: a file, or standard output."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

LOOK_SECONDS = 1.0


class Sink(Protocol):
    """Takes whole lines."""

    def write(self, lines: bytes) -> None:
        """Writes all of it or raises OSError; then none of it counts as written."""

    def close(self) -> None: ...


class FileSink:
    """Appends to a file that the workers of a pod share. The volume is local: over NFS appending is not atomic.

    logrotate and its kind move the file away: lines go to a new one LOOK_SECONDS later at most. `now`: in seconds.
    """

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path, self._now = path, now
        self._file, self._looked = _open(path), now()

    def write(self, lines: bytes) -> None:
        """One write: the kernel appends it as a whole beside those of other workers. Raises OSError."""
        if self._now() >= self._looked + LOOK_SECONDS:
            self._reopen_if_rotated()
            self._looked = self._now()
        written = os.write(self._file, lines)
        if written < len(lines):
            raise OSError(f"only {written} of {len(lines)} bytes were written to {self._path}: is the volume full?")

    def close(self) -> None:
        """Writes nothing more."""
        os.close(self._file)

    def _reopen_if_rotated(self) -> None:
        try:
            at_path, held = os.stat(self._path), os.fstat(self._file)
            if (at_path.st_dev, at_path.st_ino) == (held.st_dev, held.st_ino):
                return
        except FileNotFoundError:
            pass
        renewed = _open(self._path)
        os.close(self._file)
        self._file = renewed


def _open(path: Path) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)


class StdoutSink:
    """Standard output, which the container runtime keeps; the API's own log goes to standard error.

    `lock`: a file that the workers of a pod share, so that their lines do not mix; None: there is one worker.
    """

    def __init__(self, lock: Path | None, descriptor: int = 1) -> None:
        self._lock = None if lock is None else os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._descriptor = descriptor

    def write(self, lines: bytes) -> None:
        """Waits while the reader is slow: the writer's thread waits, and no request. Raises OSError."""
        with self._locked():
            view = memoryview(lines)
            while view:
                view = view[os.write(self._descriptor, view) :]

    def close(self) -> None:
        """Writes nothing more."""
        if self._lock is not None:
            os.close(self._lock)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        if self._lock is None:
            yield
            return
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)
