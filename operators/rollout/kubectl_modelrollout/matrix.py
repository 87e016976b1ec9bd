"""The matrices of a release's evidence: what stable said, and what the canary said to the same image."""

from collections.abc import Iterator
from dataclasses import dataclass

from rollout_operator.documents.codec import Json


@dataclass(frozen=True)
class Matrix:
    """`counts[i][j]`: stable named class i, the canary class j."""

    title: str
    names: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    compared: int
    agreed: int
    unanswered: int

    def agreement(self, index: int) -> float | None:
        """Of one class of stable's; None when it was never seen."""
        row = self.counts[index]
        return row[index] / sum(row) if sum(row) else None


def matrices(evidence: Json) -> Iterator[Matrix]:
    """One for each stage that compared answers."""
    for stage in evidence["stages"]:
        shadow = stage["shadow"]
        if shadow and shadow["matrix"]:
            counts = tuple(tuple(row) for row in shadow["matrix"])
            names = _names(evidence, len(counts))
            yield Matrix(stage["traffic"], names, counts, shadow["samples"], shadow["agreed"], shadow["failed"])


def _names(evidence: Json, size: int) -> tuple[str, ...]:
    labels = tuple(evidence["labels"])
    return labels if len(labels) == size else tuple(f"class {index}" for index in range(size))
