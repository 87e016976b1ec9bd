"""Holds what the API makes of a file against what the oracles show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.harness.oracle.ours import Picture8, Refusal

# Programs round differently: to the nearest grey, or down.
MAX_GREYS = 1.0

# DCMTK adds two tables of whole numbers to make RGB of YCbCr.
DCMTK_YBR = "dcmtk, from YCbCr"
_MORE_GREYS = {DCMTK_YBR: 2.0}

Pictures = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Finding:
    """One file whose picture is another one, or that is refused without a reason."""

    name: str
    what: str

    def __str__(self) -> str:
        return f"{self.name}: {self.what}"


def judge(name: str, ours: Picture8 | Refusal, oracles: Sequence[Pictures]) -> Finding | None:
    """`oracles`: what each program shows, for each way to understand the file; one way must fit all programs."""
    if isinstance(ours, Refusal):
        return Finding(name, f"refused without a true reason: {ours.words[-80:]}") if ours.is_no_reason else None
    if not any(oracles):
        return Finding(name, "we give a picture, and no oracle does")
    differences = [{program: _difference(ours, shown) for program, shown in one.items()} for one in oracles if one]
    best = min(differences, key=lambda one: max(one.values()))
    if all(greys <= _MORE_GREYS.get(by, MAX_GREYS) for by, greys in best.items()):
        return None
    return Finding(name, "another picture: " + ", ".join(f"{greys:.0f} greys from {by}" for by, greys in best.items()))


def _difference(ours: Picture8, shown: NDArray[Any]) -> float:
    """The largest one of all pixels; infinite where the sizes differ. A grey picture may be shown in three channels."""
    if ours.ndim < shown.ndim:
        ours = np.repeat(ours[..., np.newaxis], 3, axis=2)
    if shown.ndim < ours.ndim:
        shown = np.repeat(shown[..., np.newaxis], 3, axis=2)
    if ours.shape != shown.shape:
        return float("inf")
    return float(np.abs(ours.astype(np.float64) - shown).max(initial=0))
