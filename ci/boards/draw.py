"""Draws a board as a picture, from what a Prometheus answers: for a machine without Grafana."""

from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib

from ci.boards.answers import Series, Window, ask, legend
from ci.boards.board import COLUMNS, Board, Row
from ci.boards.panel import Kind, Panel

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.ticker import FuncFormatter

INCHES_PER_COLUMN, INCHES_PER_LINE = 0.75, 0.38
MAX_LEGEND = 8


def draw(board: Board, url: str, window: Window, folder: Path) -> Path:
    """Writes <folder>/board-<name>.png, and returns its path. `url`: of Prometheus."""
    lines = _lines(board)
    height = max(y + row.height for _, row, _, y in lines)
    figure = pyplot.figure(figsize=(COLUMNS * INCHES_PER_COLUMN, (height + 1) * INCHES_PER_LINE))
    figure.text(0.5, 1 - 0.6 / (height + 1), f"{board.title}: {board.description}", ha="center", fontsize=13)
    for panel, row, x, y in lines:
        figure.add_axes(_place(panel, row, x, y, height), label=panel.title)
        _draw_panel(figure.axes[-1], panel, url, window)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"board-{board.name}.png"
    figure.savefig(path, dpi=70, metadata={"Software": None})
    pyplot.close(figure)
    return path


def _place(panel: Panel, row: Row, x: int, y: int, height: int) -> tuple[float, float, float, float]:
    """Left, bottom, width and height, as shares of the picture; names of states need room on the left."""
    margin = 5.0 if panel.kind is Kind.STATES else 1.0
    above, below = 1.0, 0.8
    left, bottom = (x + margin) / COLUMNS, 1 - (y + row.height - below) / (height + 1)
    return left, bottom, (panel.width - margin - 0.4) / COLUMNS, (row.height - above - below) / (height + 1)


def _lines(board: Board) -> list[tuple[Panel, Row, int, int]]:
    """Each panel with its place on the grid."""
    placed, y = [], 1
    for row in board.rows:
        x = 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y = 0, y + row.height
            placed.append((panel, row, x, y))
            x += panel.width
        y += row.height
    return placed


def _draw_panel(axes: Any, panel: Panel, url: str, window: Window) -> None:
    axes.set_title(f"{panel.title} [{panel.unit}]", fontsize=9, loc="left")
    axes.tick_params(labelsize=7)
    found = [(legend(query.legend, one.labels), one) for query in panel.queries for one in ask(url, query.expr, window)]
    if not found:
        axes.text(0.5, 0.5, "no data", ha="center", va="center", transform=axes.transAxes, color="grey")
    elif panel.kind is Kind.STAT:
        axes.text(0.5, 0.5, f"{found[0][1].points[-1][1]:.4g}", ha="center", va="center", fontsize=20)
        axes.set_axis_off()
    elif panel.kind is Kind.STATES:
        _draw_states(axes, found)
    else:
        _draw_lines(axes, found)


def _draw_lines(axes: Any, found: list[tuple[str, Series]]) -> None:
    for name, series in found:
        axes.plot(_times(series), [value for _, value in series.points], linewidth=1, label=name)
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    _finish(axes)


def _draw_states(axes: Any, found: list[tuple[str, Series]]) -> None:
    for place, (_, series) in enumerate(found):
        axes.scatter(_times(series), [place] * len(series.points), s=4, marker="s")
    axes.set_yticks(range(len(found)), [name for name, _ in found])
    _name_times(axes)


def _times(series: Series) -> list[float]:
    return [time for time, _ in series.points]


def _name_times(axes: Any) -> None:
    axes.xaxis.set_major_formatter(FuncFormatter(lambda time, _: datetime.fromtimestamp(time).strftime("%H:%M:%S")))
    axes.locator_params(axis="x", nbins=5)


def _finish(axes: Any) -> None:
    _name_times(axes)
    handles, names = axes.get_legend_handles_labels()
    axes.legend(handles[:MAX_LEGEND], names[:MAX_LEGEND], fontsize=6, loc="upper left", framealpha=0.6)
