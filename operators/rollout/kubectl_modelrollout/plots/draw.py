"""Pictures of the evidence. Matplotlib is loaded only here, and only when a report is asked for."""

from pathlib import Path

from rollout_operator.documents.codec import Json

from kubectl_modelrollout.errors import Problem
from kubectl_modelrollout.matrix import matrices
from kubectl_modelrollout.plots.answers import draw_answers
from kubectl_modelrollout.plots.requests import draw_requests
from kubectl_modelrollout.plots.traffic import draw_traffic
from kubectl_modelrollout.plots.warmup import draw_warmup


def draw_plots(evidence: Json, folder: Path) -> tuple[str, ...]:
    """Names of the files written; a picture of nothing is left out. Raises Problem without Matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise Problem("the plots need Matplotlib; install rollout-operator[report]") from None
    pictures = (
        ("traffic", bool(evidence["stages"]), draw_traffic),
        ("requests", any(one["canary"]["requests"] for one in evidence["stages"]), draw_requests),
        ("disagreement", any(matrices(evidence)), draw_answers),
        ("warmup", bool(evidence["replicas"]), draw_warmup),
    )
    written = []
    for name, is_there, draw in pictures:
        if is_there:
            figure = Figure(layout="constrained")
            draw(figure, evidence)
            figure.savefig(folder / f"{name}.png", dpi=120, metadata={"Software": None})
            written.append(f"{name}.png")
    return tuple(written)
