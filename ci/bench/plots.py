"""A section's plots as PNG."""

from pathlib import Path

import matplotlib

from ci.bench.results import Plot

matplotlib.use("Agg")
from matplotlib import pyplot


def draw(plot: Plot, folder: Path) -> None:
    """Writes <folder>/<plot.name>.png."""
    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    places, width = range(len(plot.x)), 0.8 / len(plot.series)
    floor = [0.0] * len(plot.x)
    for index, (name, values) in enumerate(plot.series.items()):
        if plot.kind == "lines":
            axes.plot(places, values, marker="o", label=name)
        elif plot.kind == "stack":
            axes.bar(places, values, 0.6, bottom=floor, label=name)
            floor = [under + value for under, value in zip(floor, values, strict=True)]
        else:
            axes.bar([place + (index + 0.5) * width - 0.4 for place in places], values, width, label=name)
    axes.set(title=plot.title, xlabel=plot.x_label, ylabel=plot.y_label, xticks=places, xticklabels=plot.x)
    axes.set_ylim(bottom=0)
    axes.legend()
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{plot.name}.png", dpi=120, metadata={"Software": None})
    pyplot.close(figure)
