"""What a Prometheus answers to the queries of the boards."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ci.boards.filled import fill
from ci.stack.http import client


@dataclass(frozen=True)
class Window:
    """From `start` to `end`, Unix seconds, a point every `step_seconds`; rates are over `rate_interval`."""

    start: float
    end: float
    step_seconds: float
    rate_interval: str = "1m"

    @property
    def range(self) -> str:
        """Its length, as Prometheus writes it."""
        return f"{max(1, round(self.end - self.start))}s"


@dataclass(frozen=True)
class Series:
    """`points`: (Unix seconds, value), those that are finite."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]


def ask(url: str, expr: str, window: Window) -> list[Series]:
    """The series with at least one finite sample. Raises ValueError with what Prometheus says, httpx.HTTPError."""
    filled = fill(expr, window.rate_interval, window.range)
    fields = {"query": filled, "start": window.start, "end": window.end, "step": window.step_seconds}
    response = client.post(f"{url}/api/v1/query_range", data=fields, timeout=30)
    if response.is_error:
        raise ValueError(f"Prometheus does not take {filled}: {response.text}")
    found = [_read(one["metric"], one["values"]) for one in response.json()["data"]["result"]]
    return [one for one in found if one.points]


def legend(template: str, labels: Mapping[str, str]) -> str:
    """Grafana's template, filled; without one, all labels."""
    if not template:
        return ", ".join(labels.values())
    for name in sorted(labels):
        template = template.replace(f"{{{{{name}}}}}", labels[name])
    return template


def _read(labels: Mapping[str, str], values: list[tuple[float, str]]) -> Series:
    points = tuple((time, float(value)) for time, value in values)
    return Series(labels, tuple(one for one in points if math.isfinite(one[1])))
