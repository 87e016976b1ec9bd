"""The rules for the promise: how many requests are not answered, or not in time, and how fast a budget is spent.

Windows and factors are those of the SRE workbook (Google, "Alerting on SLOs", table 5-8): a page when 2 % of a month's
budget are spent in an hour or 5 % in six, a warning when 10 % are spent in three days. Each long window is joined by a
short one, so that an alert ends soon after its cause.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ci.boards.patients import ANY_FAULT, DURATION

Rule = dict[str, Any]

RECORDED = "namespace:medinfer_slo_errors_per_request:ratio_rate"
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
# Of a chart with its default values, which the chart replaces: alerts.availability, alerts.latency.
AVAILABILITY, LATENCY, LATENCY_SECONDS = 0.999, 0.99, 1.038


@dataclass(frozen=True)
class Burn:
    """The budget is spent `factor` times too fast, in the long window and still in the short one."""

    factor: float
    long: str
    short: str


@dataclass(frozen=True)
class Speed:
    """How fast a budget burns, and who is told."""

    name: str
    severity: str
    burns: tuple[Burn, Burn]
    says: str


SPEEDS = (
    Speed(
        "Fast",
        "critical",
        (Burn(14.4, "1h", "5m"), Burn(6, "6h", "30m")),
        "a month's budget would be spent within days",
    ),
    Speed(
        "Slowly",
        "warning",
        (Burn(3, "1d", "2h"), Burn(1, "3d", "6h")),
        "a month's budget would be spent before its end",
    ),
)


@dataclass(frozen=True)
class Promise:
    """`numerator`: PromQL of the requests per second in $window that broke it; `denominator`: of all. By namespace."""

    name: str
    objective: float
    says: str
    numerator: str
    denominator: str

    def recording_rules(self) -> Iterator[Rule]:
        """The share for each window."""
        for window in WINDOWS:
            expr = f"({self.numerator}) / ({self.denominator})".replace("$window", window)
            yield {"record": f"{RECORDED}{window}", "labels": {"slo": self.name}, "expr": expr}

    def alerts(self) -> Iterator[Rule]:
        """One for each speed."""
        for speed in SPEEDS:
            alert = f"Medinfer{self.name.capitalize()}Burns{speed.name}"
            summary = f"{{{{ $labels.namespace }}}}: {self.says}, so often that {speed.says}."
            yield {
                "alert": alert,
                "expr": " or ".join(self._burns(burn) for burn in speed.burns),
                "labels": {"severity": speed.severity},
                "annotations": {"summary": summary, "runbook": f"docs/runbook.md#{alert.lower()}"},
            }

    def _burns(self, burn: Burn) -> str:
        limit, chosen = f"{burn.factor:g} * (1 - {self.objective})", f'{{slo="{self.name}"}}'
        both = (f"{RECORDED}{window}{chosen} > {limit}" for window in (burn.long, burn.short))
        return f"({' and '.join(both)})"


def _by_namespace(series: str) -> str:
    return f"sum by (namespace) (rate({series}[$window]))"


_ANSWERED = _by_namespace('inference_api_requests_total{outcome!="failed"}')
_REFUSED = _by_namespace(f'inference_api_refused_total{{kind=~"{ANY_FAULT}"}}')

_COUNTED = _by_namespace(f"{DURATION}_count")
_IN_TIME = _by_namespace(f'{DURATION}_bucket{{le="{LATENCY_SECONDS}"}}')

PROMISES = (
    Promise("availability", AVAILABILITY, "requests get no diagnosis", _REFUSED, f"{_ANSWERED} + {_REFUSED}"),
    Promise(
        "latency",
        LATENCY,
        "answers take too long",
        f"{_COUNTED} - {_IN_TIME}",
        _COUNTED,
    ),
)


def rules() -> dict[str, Any]:
    """Prometheus' rule file."""
    # In one group, so that an alert sees what was recorded in the same evaluation.
    return {
        "groups": [
            {"name": f"medinfer.{promise.name}", "rules": [*promise.recording_rules(), *promise.alerts()]}
            for promise in PROMISES
        ]
    }
