"""Which numbers became worse, from samples of a base and of this commit. Pure.

Source of the test: H. B. Mann, D. R. Whitney, On a Test of Whether one of Two Random Variables is Stochastically Larger
than the Other, 1947. It asks nothing of how the samples spread.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from statistics import median

WORSE = 1.05
MAX_P = 0.01
# One sample of each side: counts of the same work differ by less. What is not worse by so much cannot become an alarm.
SUSPECT = 1.02
MAX_SAMPLES = 12  # of each side: all ways to share 24 out are 2.7 million

Samples = Mapping[str, Sequence[float]]  # measure -> one number for each process, lower is better


@dataclass(frozen=True)
class Measure:
    """`what.unit` names it. `decides`: whether it can raise an alarm; the others are information."""

    what: str
    unit: str
    decides: bool = True

    def __str__(self) -> str:
        return f"{self.what}, {self.unit}"


@dataclass(frozen=True)
class Comparison:
    """Medians of both sides, and how likely ranks like these are when both are the same."""

    base: float
    this: float
    p: float

    @property
    def ratio(self) -> float:
        return self.this / self.base

    @property
    def is_worse(self) -> bool:
        return self.ratio > WORSE and self.p < MAX_P


def p_greater(base: Sequence[float], this: Sequence[float]) -> float:
    """The exact one-sided p of Mann and Whitney: that `this` is the greater one by chance alone. Ties count half.

    >>> p_greater([1, 2, 3, 4, 5], [6, 7, 8, 9, 10]) == 1 / 252
    True
    """
    if not base or not this or max(len(base), len(this)) > MAX_SAMPLES:
        raise ValueError(f"between 1 and {MAX_SAMPLES} samples of each side, not {len(base)} and {len(this)}")
    ranks = _ranks([*base, *this])
    seen = sum(ranks[len(base) :])
    ways = sum(sum(chosen) >= seen for chosen in combinations(ranks, len(this)))
    return ways / comb(len(ranks), len(this))


def _ranks(values: Sequence[float]) -> list[int]:
    """Twice the mean rank of each value: whole numbers, also where some are equal."""
    return [sum(2 * (other < one) + (other == one) for other in values) + 1 for one in values]


def compare(base: Samples, this: Samples) -> dict[str, Comparison]:
    """Of every measure that both sides have."""
    both = [name for name in base if base[name] and this.get(name)]
    return {
        name: Comparison(median(base[name]), median(this[name]), p_greater(base[name], this[name])) for name in both
    }


def suspects(base: Samples, this: Samples, deciding: Collection[str]) -> set[str]:
    """Measures worth a second look after one sample of each side."""
    return {name for name, one in compare(base, this).items() if name in deciding and one.ratio > SUSPECT}


def alarms(runs: Sequence[Mapping[str, Comparison]], deciding: Collection[str]) -> list[str]:
    """What is worse in every run, each with processes of its own; nothing after less than two."""
    worse = [{name for name, one in run.items() if one.is_worse and name in deciding} for run in runs]
    return sorted(set.intersection(*worse)) if len(worse) > 1 else []


def abba(count: int) -> list[str]:
    """`this` and `base`, `count` of each, in the order A B B A A B B A: a drift meets both alike.

    >>> abba(3)
    ['base', 'this', 'this', 'base', 'base', 'this']
    """
    pairs = (("base", "this"), ("this", "base"))
    return [side for number in range(count) for side in pairs[number % 2]]
