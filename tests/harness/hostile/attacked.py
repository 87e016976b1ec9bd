"""An API with the chart's settings and honest load, while something else attacks it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from ci.load.load import Load, Result
from ci.stack.api import Api
from tests.harness.hostile import lateness
from tests.harness.stack import STABLE, Stack

HONEST_PER_SECOND = 50
# The chart's default limit of memory, less 15 %.
MOST_BYTES = int(0.85 * 2**30)


@contextmanager
def serving(stack: Stack, bind: str, folder: Path) -> Iterator[Api]:
    """An API with the chart's settings, and a version that reads every kind of file."""
    api = Api("attacked", bind, folder)
    routes = stack.routes()
    routes["versions"][str(STABLE)]["preprocessing"]["intensity"] = {"kind": "voi"}
    api.follow(routes)
    with api:
        api.wait_until_serving()
        yield api


class Attacked:
    """Honest load on an API. When it is left, no honest request failed, and the same worker used little memory."""

    def __init__(self, api: Api, stack: Stack, images: Sequence[bytes], folder: Path) -> None:
        self._worker = worker(api)
        self._api = api
        expected = stack.expected(images, STABLE)
        self._load = Load([api.url], images, expected, folder / "load", rate_per_second=HONEST_PER_SECOND)

    def __enter__(self) -> Load:
        self._before = lateness.start(self._api)
        self._load.start()
        self._load.wait_until_answered(100)
        return self._load

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._load.wait_until_answered(6 * HONEST_PER_SECOND)  # a busy machine still works off the attack
                print(lateness.since(self._api, self._before))
                self._judge(self._load.finish(at_least=200))
        finally:
            self._load.stop()

    def _judge(self, honest: Result) -> None:
        peak = peak_bytes(self._worker)
        print(f"the worker's peak: {peak / 2**20:.0f} MiB; p95 of honest requests: {honest.p95_ms():.0f} ms")
        assert honest.failed == 0
        assert worker(self._api) == self._worker, self._api.log_tail()
        assert peak < MOST_BYTES


def worker(api: Api) -> int:
    """The pid of its only worker."""
    (only,) = psutil.Process(api.pid).children()
    return only.pid


def peak_bytes(pid: int) -> int:
    """The most that the process ever had in memory."""
    (kilobytes,) = re.findall(r"^VmHWM:\s*(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(kilobytes) * 1024
