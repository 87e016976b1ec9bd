"""The canary's share of the traffic over time."""

from typing import Any

from rollout_operator.documents.codec import Json

from kubectl_modelrollout.markdown import outcome_of, stable_name
from kubectl_modelrollout.plots.style import BAD, CANARY, GOOD, GREY, WIDTH_INCHES

LETTER = 0.009  # of the width: what is narrower than its label gets none


def draw_traffic(figure: Any, evidence: Json) -> None:
    """A shadow is a band, as it answers nobody."""
    figure.set_size_inches(WIDTH_INCHES, 3.6)
    unit, size = _unit(evidence["seconds"])
    axes, end = figure.add_subplot(), evidence["seconds"] / size
    promoted = 100 if evidence["outcome"] == "Promoted" else 0
    places, weights = [0.0], [0]
    for one in evidence["stages"]:
        left, right = one["startSeconds"] / size, (one["startSeconds"] + one["seconds"]) / size
        places, weights = [*places, left, right], [*weights, one["weight"], 0]
        if one["shadowPercent"]:
            axes.axvspan(left, right, color=GREY, alpha=0.2, linewidth=0)
        text = f"shadow {one['shadowPercent']} %" if one["shadowPercent"] else f"{one['weight']} %"
        _note(axes, text, left, right, end, one["weight"])
    places, weights = [*places, end, end * 1.06], [*weights, promoted, promoted]
    axes.fill_between(places, weights, step="post", color=CANARY, alpha=0.35, linewidth=0)
    axes.step(places, weights, where="post", color=CANARY, linewidth=2)
    _note(axes, "load, prove, warm", 0, evidence["stages"][0]["startSeconds"] / size, end, 0)
    for one in evidence["approvals"]:
        _mark(axes, f"{one['gate']} approved", one["atSeconds"] / size, 80, GREY)
    if evidence["outcome"]:
        colour = GOOD if promoted else BAD if evidence["failure"] else GREY
        _mark(axes, outcome_of(evidence), end, 97, colour)
    axes.set(xlabel=f"{unit} since {evidence['startedAt']}", ylabel="share of the traffic, %", ylim=(0, 108))
    axes.set_xlim(0, end * 1.06)
    axes.set_title(f"v{evidence['release']['version']} alongside {stable_name(evidence)}")


def _unit(seconds: int) -> tuple[str, int]:
    return ("seconds", 1) if seconds < 180 else ("minutes", 60) if seconds < 10_800 else ("hours", 3600)


def _note(axes: Any, text: str, left: float, right: float, end: float, height: float) -> None:
    if right - left > len(text) * LETTER * end:
        axes.annotate(text, ((left + right) / 2, height), xytext=(0, 4), textcoords="offset points", ha="center")


def _mark(axes: Any, text: str, place: float, height: float, colour: str) -> None:
    axes.axvline(place, color=colour, linestyle="--")
    style = {"ha": "right", "va": "top", "color": colour}
    axes.annotate(text, (place, height), xytext=(-4, 0), textcoords="offset points", **style)
