"""Which class each version named."""

import math
from typing import Any

from rollout_operator.documents.codec import Json

from kubectl_modelrollout.markdown import stable_name
from kubectl_modelrollout.matrix import Matrix, matrices


def draw_answers(figure: Any, evidence: Json) -> None:
    """One matrix for each stage that compared answers, on an empty matplotlib Figure."""
    found = list(matrices(evidence))
    figure.set_size_inches(5.4 * min(2, len(found)), 4.8 * ((len(found) + 1) // 2))
    every = figure.subplots((len(found) + 1) // 2, min(2, len(found)), squeeze=False).flat
    for axes, one in zip(every, found, strict=False):
        _draw_matrix(axes, one, evidence)


def _draw_matrix(axes: Any, one: Matrix, evidence: Json) -> None:
    """Shaded by the share of each row, so that a rare class is seen as well as a frequent one; red: they disagree."""
    shares = [[number / max(1, sum(row)) for number in row] for row in one.counts]
    size = range(len(shares))
    for shade, is_drawn in (("Blues", True), ("Reds", False)):
        drawn = [[shares[row][column] if (row == column) is is_drawn else math.nan for column in size] for row in size]
        axes.imshow(drawn, cmap=shade, vmin=0, vmax=1)
    for row, numbers in enumerate(one.counts):
        for column, number in enumerate(numbers):
            share = shares[row][column]
            text, colour = f"{number:,}\n{share:.0%}" if number else "0", "white" if share > 0.5 else "black"
            axes.text(column, row, text, ha="center", va="center", color=colour)
    axes.set_xticks(range(len(one.names)), one.names, rotation=20, ha="right")
    axes.set_yticks(range(len(one.names)), one.names)
    axes.set(xlabel=f"v{evidence['release']['version']} said", ylabel=f"{stable_name(evidence)} said")
    axes.set_title(f"{one.title}: {one.agreed / max(1, one.compared):.1%} of {one.compared:,} agree")
