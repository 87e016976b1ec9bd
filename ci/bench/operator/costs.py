"""What the operator cost in a stretch of time, and its growth as a picture. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from ci.bench.operator.metrics import Visits
from ci.bench.results import Plot


@dataclass(frozen=True)
class Cost:
    """`cores`: CPU seconds per second; `peak_mib`: the largest resident memory that was seen."""

    seconds: float
    visits: Visits
    requests_per_second: float
    cores: float
    api_server_cores: float
    peak_mib: float
    errors: int

    @property
    def visit_ms(self) -> float:
        return 1000 * self.visits.mean_seconds

    @property
    def visit_p99_ms(self) -> float:
        return 1000 * self.visits.quantile_seconds(0.99)


def plot_costs(name: str, title: str, by: str, label: str, costs: Mapping[int, Cost], lines: Mapping[str, str]) -> Plot:
    """`costs`: by number of what `by` names; `lines`: name -> the number of a Cost that it shows."""
    series = {line: [float(getattr(cost, number)) for cost in costs.values()] for line, number in lines.items()}
    return Plot(f"operator-{name}", title, "lines", [str(number) for number in costs], by, label, series)
