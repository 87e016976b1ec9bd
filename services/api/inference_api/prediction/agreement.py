"""Counts where the canary agreed with stable. Both are compared by label, whatever the contracts of the two.

Of a version that names one class, each of stable's classes is a row. Of one that names several findings, each finding
is two rows: row 2k where stable named finding k, row 2k + 1 where it did not.
"""

from inference_api.prediction.answers import Answer
from inference_api.routing.counters import MATRIX_LABELS, Json, count_row

UNKNOWN = -1  # the column of a class that stable does not know


def count(counts: Json, said: Answer, copied: Answer) -> None:
    """Adds one image to the shadow's `counts`: stable said `said`, the canary `copied`."""
    counts["samples"] += 1
    if said.version.contract.thresholds:
        _count_findings(counts, said, copied)
    else:
        _count_class(counts, said, copied)


def _count_class(counts: Json, said: Answer, copied: Answer) -> None:
    labels = said.version.labels
    counts["agreed"] += said.label == copied.label
    column = labels.index(copied.label) if copied.label in labels else UNKNOWN
    if len(labels) <= MATRIX_LABELS and set(labels) == set(copied.version.labels):
        _matrix(counts, len(labels))[said.class_index][column] += 1
    else:
        count_row(counts["tally"], said.class_index, column)


def _count_findings(counts: Json, said: Answer, copied: Answer) -> None:
    """A finding that the canary does not know is one that it does not name."""
    named, named_by_canary = set(said.named), set(copied.named)
    counts["agreed"] += named == named_by_canary
    for index, label in enumerate(said.version.labels):
        row, column = 2 * index + (label not in named), 2 * index + (label not in named_by_canary)
        count_row(counts["tally"], row, column)


def _matrix(counts: Json, size: int) -> list[list[int]]:
    """The counts' matrix, with room for so many classes."""
    matrix: list[list[int]] = counts["matrix"]
    if len(matrix) < size:
        for row in matrix:
            row += [0] * (size - len(row))
        matrix += [[0] * size for _ in range(size - len(matrix))]
    return matrix
