"""A command that must not run twice at the same time in one folder."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def alone(file: Path, busy: Callable[[], object]) -> Iterator[None]:
    """Holds the lock on `file`. While another process holds it, `busy` is called once, then this waits.

    `busy` may raise instead, where waiting makes no sense.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
