"""A stretch of time: what the operator did, asked of the API server, and cost."""

import time
from collections.abc import Callable

import httpx
import psutil

from ci.bench.operator.costs import Cost
from ci.bench.operator.metrics import Reading, requests, visits
from ci.stack.control_plane import ControlPlane
from ci.stack.operator import Operator

MIB = 1 << 20
SAMPLE_SECONDS = 0.5


class Window:
    """From its making to `close`."""

    def __init__(self, plane: ControlPlane, operator: Operator) -> None:
        self._plane, self._operator = plane, operator
        self._processes = [psutil.Process(process.pid) for process in (operator, plane.api_server)]
        self._context = plane.ssl_context()
        self._peak_bytes = 0
        self._began = self._look()

    def sample(self) -> None:
        self._peak_bytes = max(self._peak_bytes, self._processes[0].memory_info().rss)

    def last(self, seconds: float) -> None:
        """Samples for so long."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.sample()
            time.sleep(SAMPLE_SECONDS)

    def wait_until(self, holds: Callable[[Reading], bool], what: str, timeout_seconds: float) -> float:
        """Seconds that it took, by the operator's metrics."""
        began = time.monotonic()
        while not holds(self.read_operator()):
            if time.monotonic() - began > timeout_seconds:
                raise AssertionError(f"not within {timeout_seconds:g} s: {what}\n{self._operator.log_tail()}")
            self.last(SAMPLE_SECONDS)
        return time.monotonic() - began

    def read_operator(self) -> Reading:
        return Reading(httpx.get(f"{self._operator.url}/metrics", timeout=30).text)

    def close(self) -> Cost:
        self.sample()
        (began, operator, server, cpu), (ended, operator_now, server_now, cpu_now) = self._began, self._look()
        seconds = ended - began
        cores, api_server_cores = ((now - then) / seconds for then, now in zip(cpu, cpu_now, strict=True))
        return Cost(
            seconds,
            visits(operator, operator_now),
            requests(server, server_now).total() / seconds,
            cores,
            api_server_cores,
            self._peak_bytes / MIB,
            round(sum(_errors(operator_now)) - sum(_errors(operator))),
        )

    def _look(self) -> tuple[float, Reading, Reading, list[float]]:
        server = Reading(httpx.get(f"{self._plane.url}/metrics", verify=self._context, timeout=30).text)
        cpu = [sum(process.cpu_times()[:2]) for process in self._processes]
        return time.monotonic(), self.read_operator(), server, cpu


def _errors(reading: Reading) -> list[float]:
    return list(reading.named("medinfer_operator_errors_total").values())
