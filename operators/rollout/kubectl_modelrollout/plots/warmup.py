"""Latency at the end of warm-up, on each replica."""

from typing import Any

from rollout_operator.documents.codec import Json

from kubectl_modelrollout.plots.style import CANARY, GREY, STABLE, WIDTH_INCHES


def draw_warmup(figure: Any, evidence: Json) -> None:
    """A line from p50 to p95 for each replica, in ms, on an empty matplotlib Figure."""
    replicas = evidence["replicas"]
    figure.set_size_inches(WIDTH_INCHES, 1.4 + 0.34 * len(replicas))
    axes = figure.add_subplot()
    places = range(len(replicas))
    for one, place in zip(replicas, places, strict=True):
        axes.plot([one["p50Ms"], one["p95Ms"]], [place, place], color=GREY, linewidth=3, solid_capstyle="round")
    for key, name, colour in (("p50Ms", "p50", STABLE), ("p95Ms", "p95", CANARY)):
        axes.plot([one[key] for one in replicas], places, "o", color=colour, label=name, markersize=8)
    axes.set_yticks(places, [one["name"] for one in replicas])
    axes.invert_yaxis()
    axes.margins(y=0.3 if len(replicas) < 4 else 0.1)
    axes.set_xlim(left=0)
    axes.set(title="Latency at the end of warm-up", xlabel="ms")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper")
