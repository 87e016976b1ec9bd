"""One board: its panels in rows, its variables, and what happened, drawn over all of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from ci.boards.panel import DATASOURCE, Json, Panel

RUNBOOK_PAGE = "https://github.com/medinfer/medinfer/blob/main/docs/runbook.md"
# Of the newest Grafana whose schema is published in a form that can be checked here. Older ones read what they know.
SCHEMA_VERSION = 42
COLUMNS = 24
STAT_HEIGHT, HEIGHT = 4, 8


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: tuple[Panel, ...]
    height: int = HEIGHT


@dataclass(frozen=True)
class Board:
    """`name`: of its file, and of its address in Grafana. `has_rollouts`: it shows one rollout of many."""

    name: str
    title: str
    description: str
    rows: tuple[Row, ...]
    has_rollouts: bool = False

    @property
    def panels(self) -> tuple[Panel, ...]:
        """All of them, in the order in which they are read."""
        return tuple(panel for row in self.rows for panel in row.panels)

    def document(self) -> Json:
        """The dashboard as Grafana reads it."""
        return {
            "uid": f"medinfer-{self.name}",
            "title": self.title,
            "description": self.description,
            "tags": ["medinfer"],
            "timezone": "browser",
            "editable": True,
            "graphTooltip": 1,
            "schemaVersion": SCHEMA_VERSION,
            "time": {"from": "now-3h", "to": "now"},
            "refresh": "30s",
            "templating": {"list": list(self._variables())},
            "annotations": {"list": _ANNOTATIONS},
            "links": [_OTHER_BOARDS],
            "panels": list(self._placed()),
        }

    def _placed(self) -> Iterator[Json]:
        number, y = 1, 0
        for row in self.rows:
            yield _heading(row.title, number, y)
            number, x, y = number + 1, 0, y + 1
            for panel in row.panels:
                if x + panel.width > COLUMNS:
                    x, y = 0, y + row.height
                yield panel.document(number, x, y, row.height)
                number, x = number + 1, x + panel.width
            y += row.height

    def _variables(self) -> Iterator[Json]:
        yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
        yield _labels_of("namespace", "Namespace", "label_values(inference_api_workers, namespace)")
        if self.has_rollouts:
            found = 'label_values(medinfer_rollout_phase{namespace=~"$namespace"}, rollout)'
            yield _labels_of("rollout", "Rollout", found)
        yield {"name": "runbook", "type": "constant", "query": RUNBOOK_PAGE, "hide": 2, "skipUrlSync": True}


def _labels_of(name: str, label: str, query: str) -> Json:
    """A variable for a label; all of them at first, and also series without that label."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": query,
        "refresh": 2,
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "current": {"selected": True, "text": "All", "value": "$__all"},
    }


def _heading(title: str, number: int, y: int) -> Json:
    place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
    return {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}


def _annotation(name: str, expr: str, title: str, color: str) -> Json:
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "expr": expr,
        "titleFormat": title,
        "step": "15s",
    }


ANNOTATIONS = {
    "Steps of releases": (
        'changes(medinfer_rollout_step{namespace=~"$namespace"}[1m]) > 0',
        "{{rollout}}: another step",
        "blue",
    ),
    "Releases that failed": (
        'medinfer_rollout_phase{namespace=~"$namespace", phase=~"RolledBack|Held|Blocked"} > 0 '
        'unless medinfer_rollout_phase{namespace=~"$namespace"} offset 1m > 0',
        "{{rollout}}: {{phase}}",
        "red",
    ),
}
_ANNOTATIONS = [_annotation(name, *about) for name, about in ANNOTATIONS.items()]

_OTHER_BOARDS = {
    "title": "medinfer",
    "type": "dashboards",
    "url": "",
    "icon": "external link",
    "tooltip": "",
    "tags": ["medinfer"],
    "asDropdown": True,
    "targetBlank": False,
    "includeVars": True,
    "keepTime": True,
}
