"""Requests, errors and latency of both versions at each share of the traffic."""

from typing import Any

from rollout_operator.documents.codec import Json

from kubectl_modelrollout.markdown import stable_name
from kubectl_modelrollout.plots.style import BAD, CANARY, STABLE, WIDTH_INCHES


def draw_requests(figure: Any, evidence: Json) -> None:
    """Three bar charts on an empty matplotlib Figure: requests, errors in percent, p95 in ms. Dashed: the limits."""
    figure.set_size_inches(WIDTH_INCHES, 4.2)
    stages = [one for one in evidence["stages"] if one["canary"]["requests"]]
    versions = (("stable", stable_name(evidence), STABLE), ("canary", f"v{evidence['release']['version']}", CANARY))
    count, errors, latency = figure.subplots(1, 3)
    for shift, (key, name, colour) in zip((-0.2, 0.2), versions, strict=True):
        places = [index + shift for index in range(len(stages))]
        _bars(count, places, [one[key]["requests"] for one in stages], name, colour, "{:,.0f}")
        rates = [100 * one[key]["errors"] / max(1, one[key]["requests"]) for one in stages]
        _bars(errors, places, rates, name, colour, "{:.2f}")
        _bars(latency, places, [1000 * (one[key]["p95Seconds"] or 0) for one in stages], name, colour, "{:.0f}")
    errors.axhline(100 * evidence["limits"]["maxErrorRate"], color=BAD, linestyle="--")
    _draw_latency_limits(latency, stages, evidence["limits"]["maxLatencyRatio"])
    for axes, title in ((count, "requests"), (errors, "errors, %"), (latency, "p95 latency, ms")):
        names = [f"{one['weight']} %" if one["weight"] else one["traffic"] for one in stages]
        axes.set_xticks(range(len(stages)), names)
        axes.set(title=title, xlabel="share of the canary")
        axes.margins(y=0.15)
        axes.set_ylim(bottom=0)
    _keep_bars_tall(latency, stages)
    figure.legend(*latency.get_legend_handles_labels(), loc="outside upper center", ncols=3)


def _bars(axes: Any, places: list[float], values: list[float], name: str, colour: str, form: str) -> None:
    bars = axes.bar(places, values, 0.38, label=name, color=colour)
    axes.bar_label(bars, [form.format(value) for value in values], fontsize=8)


def _draw_latency_limits(axes: Any, stages: list[Json], ratio: float) -> None:
    """Of the canary's, which depends on stable's at the same time."""
    known = [index for index, one in enumerate(stages) if one["stable"]["p95Seconds"]]
    for index in known:
        limit = 1000 * stages[index]["stable"]["p95Seconds"] * ratio
        label = "limit" if index == known[0] else None
        axes.plot([index - 0.4, index + 0.4], [limit, limit], color=BAD, linestyle="--", label=label)


def _keep_bars_tall(axes: Any, stages: list[Json]) -> None:
    """A limit far above the bars is left out of the picture."""
    slowest = max(1000 * (one[key]["p95Seconds"] or 0) for one in stages for key in ("stable", "canary"))
    if slowest:
        axes.set_ylim(top=min(axes.get_ylim()[1], 2.5 * slowest))
