"""One panel of a board: what it asks Prometheus, and how Grafana shows it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]

# A variable of each board: where the runbook is read. Grafana replaces it.
RUNBOOK = "$runbook"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


class Unit(StrEnum):
    """Grafana's names of the units that the boards use."""

    NUMBER = "short"
    REQUESTS_PER_SECOND = "reqps"
    OPERATIONS_PER_SECOND = "ops"
    SECONDS = "s"
    SHARE = "percentunit"
    PERCENT = "percent"
    BYTES = "bytes"
    BYTES_PER_SECOND = "binBps"
    YES_NO = "bool_yes_no"
    WATTS = "watt"
    CELSIUS = "celsius"


class Kind(StrEnum):
    """Grafana's names of the panels that the boards use."""

    LINES = "timeseries"
    STAT = "stat"
    STATES = "state-timeline"


@dataclass(frozen=True)
class Query:
    """`expr`: PromQL; `legend`: Grafana's template of a series' name, with labels as `{{version}}`."""

    expr: str
    legend: str = ""


@dataclass(frozen=True)
class Panel:
    """`alerts`: those that this panel explains. It links each one's entry in the runbook."""

    title: str
    unit: Unit
    description: str
    queries: tuple[Query, ...]
    alerts: tuple[str, ...] = ()
    kind: Kind = Kind.LINES
    stacked: bool = False
    width: int = 8

    def document(self, number: int, x: int, y: int, height: int) -> Json:
        """The panel as Grafana reads it, at this place of the grid of 24 columns."""
        return {
            "id": number,
            "type": str(self.kind),
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "gridPos": {"h": height, "w": self.width, "x": x, "y": y},
            "links": [_link(alert) for alert in self.alerts],
            "targets": [_target(query, chr(ord("A") + index)) for index, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": {"unit": str(self.unit), "custom": self._custom()}, "overrides": []},
            "options": _OPTIONS[self.kind],
        }

    def _custom(self) -> Json:
        if self.kind is not Kind.LINES:
            return {}
        stacking = {"mode": "normal" if self.stacked else "none", "group": "A"}
        return {
            "fillOpacity": 30 if self.stacked else 0,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": stacking,
        }


_TOOLTIP = {"mode": "multi", "sort": "desc"}
_LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}

_OPTIONS: dict[Kind, Json] = {
    Kind.LINES: {"legend": _LEGEND, "tooltip": _TOOLTIP},
    Kind.STAT: {
        "graphMode": "none",
        "colorMode": "none",
        "justifyMode": "auto",
        "textMode": "auto",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "orientation": "auto",
    },
    Kind.STATES: {
        "showValue": "auto",
        "rowHeight": 0.9,
        "mergeValues": True,
        "alignValue": "left",
        "legend": _LEGEND,
        "tooltip": _TOOLTIP,
    },
}


def _target(query: Query, ref: str) -> Json:
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "range": True,
        "editorMode": "code",
    }


def _link(alert: str) -> Json:
    return {
        "title": f"Runbook: {alert}",
        "type": "link",
        "url": f"{RUNBOOK}#{alert.lower()}",
        "icon": "doc",
        "tooltip": f"What {alert} means, and what to do",
        "tags": [],
        "asDropdown": False,
        "targetBlank": True,
        "includeVars": False,
        "keepTime": False,
    }
