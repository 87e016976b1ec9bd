"""Whether a piece of code lets Python's GIL go, so that the event loop runs meanwhile."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TRIES = 50  # the CPUs may be taken
NEVER_SECONDS = 1e6


class Watch:
    """Call `begin` just before the piece and `end` just after it. Another thread waits from `begin` on."""

    def __init__(self) -> None:
        self.is_let = False
        self._begun, self._went_on = threading.Event(), threading.Event()
        self._other = threading.Thread(target=self._go_on)
        self._other.start()

    def begin(self) -> None:
        self._begun.set()

    def end(self) -> None:
        self.is_let = self.is_let or self._went_on.is_set()

    def join(self) -> None:
        self._begun.set()
        self._other.join()

    def _go_on(self) -> None:
        self._begun.wait()
        self._went_on.set()


def is_let(run: Callable[[Watch], object]) -> bool:
    """Whether the other thread ran between `begin` and `end` in any of some runs."""
    with _taken_from_nobody():
        return any(_tried(run) for _ in range(TRIES))


def _tried(run: Callable[[Watch], object]) -> bool:
    watch = Watch()
    try:
        run(watch)
    finally:
        watch.join()
    return watch.is_let


@contextmanager
def _taken_from_nobody() -> Iterator[None]:
    """Python takes the GIL from no thread: another one runs only if one lets it go."""
    interval_seconds = sys.getswitchinterval()
    sys.setswitchinterval(NEVER_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(interval_seconds)
