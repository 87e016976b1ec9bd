"""What API pods count in one step: summed over pods, and read as rates and quantiles."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import zip_longest
from typing import Annotated

from pydantic import Field

from rollout_operator.documents.codec import DOCUMENT

MAX_LATENCY_BUCKETS = 200
MAX_LABELS = 1000
MATRIX_LABELS = 4  # of models with more classes, and of findings, API pods keep a tally in place of a matrix
MAX_TALLY_ROWS = 2 * MAX_LABELS
MAX_TALLY_PAIRS = 256
Count = Annotated[int, Field(ge=0, lt=2**53)]
Row = tuple[Count, ...]
Pair = Annotated[str, Field(pattern=r"^[0-9]{1,4},(-1|[0-9]{1,4})$")]


@dataclass(frozen=True)
class VersionCounters:
    """`latency_buckets`: answers per bucket, not cumulative; the last bucket is open."""

    requests: Count = 0
    errors: Count = 0
    latency_buckets: Row = ()

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Tally:
    """What is kept in place of a matrix: rows are stable's classes, or two for finding k: 2k named it, 2k + 1 did not.

    `said[i]`: samples of row i; `same[i]`: those in which the canary said the same. `pairs`: "i,j" -> samples in which
    it said row j in place of row i (-1: a class that stable does not know); `other_pairs`: what is not in them.
    """

    said: Annotated[Row, Field(max_length=MAX_TALLY_ROWS)] = ()
    same: Annotated[Row, Field(max_length=MAX_TALLY_ROWS)] = ()
    pairs: Annotated[Mapping[Pair, Count], Field(max_length=8 * MAX_TALLY_PAIRS)] = field(default_factory=dict)
    other_pairs: Count = 0

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class NamedPair:
    """Samples in which stable said the one and the canary the other, in words."""

    stable: str
    canary: str
    count: Count

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Shadow:
    """`matrix[i][j]`: stable said i, the canary said j, by position in stable's labels. `failed`: it did not answer.

    `tally`: in place of a matrix, for more classes and for findings. `worst`: in evidence, in place of a tally.
    """

    samples: Count = 0
    agreed: Count = 0
    failed: Count = 0
    matrix: Annotated[tuple[Annotated[Row, Field(max_length=MATRIX_LABELS)], ...], Field(max_length=MATRIX_LABELS)] = ()
    tally: Tally | None = None
    worst: tuple[NamedPair, ...] = ()

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class StepCounters:
    """Of one step; `versions` by version number as text."""

    versions: Mapping[str, VersionCounters] = field(default_factory=dict)
    shadow: Shadow = Shadow()
    latency_bounds_seconds: tuple[float, ...] = ()

    __pydantic_config__ = DOCUMENT

    def of(self, version: int) -> VersionCounters:
        """The counters of a version; zeros when nothing was counted."""
        return self.versions.get(str(version), VersionCounters())

    @property
    def samples(self) -> int:
        """Everything that was measured, to see whether it grows."""
        return self.shadow.samples + sum(version.requests for version in self.versions.values())


def total(parts: Iterable[StepCounters]) -> StepCounters:
    """The sum; latencies are kept only in the buckets of the first part that has any."""
    return reduce(_add, parts, StepCounters())


def quantile_seconds(counters: VersionCounters, bounds: tuple[float, ...], share: float) -> float | None:
    """The latency below which `share` of the answers lie, linear within its bucket; None without answers.

    >>> quantile_seconds(VersionCounters(latency_buckets=(0, 100, 0)), (1.0, 2.0), 0.5)
    1.5
    """
    wanted = share * sum(counters.latency_buckets)
    if wanted <= 0 or len(counters.latency_buckets) != len(bounds) + 1:
        return None
    below = 0
    for index, count in enumerate(counters.latency_buckets[:-1]):
        if count and below + count >= wanted:
            low = bounds[index - 1] if index else 0.0
            return low + (bounds[index] - low) * (wanted - below) / count
        below += count
    return bounds[-1]


def _add(one: StepCounters, other: StepCounters) -> StepCounters:
    """Latencies in other buckets (an API of another release) are left out; their requests count."""
    bounds = one.latency_bounds_seconds or other.latency_bounds_seconds
    names = one.versions.keys() | other.versions.keys()
    parts = (one, other)
    versions = {name: _add_versions([_fit(part, name, bounds) for part in parts]) for name in sorted(names)}
    return StepCounters(versions, _add_shadows(one.shadow, other.shadow), bounds)


def _fit(part: StepCounters, name: str, bounds: tuple[float, ...]) -> VersionCounters:
    counters = part.versions.get(name, VersionCounters())
    fits = part.latency_bounds_seconds == bounds
    return counters if fits else VersionCounters(counters.requests, counters.errors)


def _add_versions(parts: list[VersionCounters]) -> VersionCounters:
    return VersionCounters(
        sum(part.requests for part in parts),
        sum(part.errors for part in parts),
        _add_rows(*(part.latency_buckets for part in parts)),
    )


def _add_shadows(one: Shadow, other: Shadow) -> Shadow:
    matrix = tuple(_add_rows(a, b) for a, b in zip_longest(one.matrix, other.matrix, fillvalue=()))
    tally = _add_tallies(one.tally, other.tally)
    return Shadow(one.samples + other.samples, one.agreed + other.agreed, one.failed + other.failed, matrix, tally)


def _add_tallies(one: Tally | None, other: Tally | None) -> Tally | None:
    """Of the pairs, the most frequent MAX_TALLY_PAIRS stay apart."""
    if one is None or other is None:
        return one or other
    counted = Counter(one.pairs) + Counter(other.pairs)
    kept = dict(counted.most_common(MAX_TALLY_PAIRS))
    others = one.other_pairs + other.other_pairs + counted.total() - sum(kept.values())
    return Tally(_add_rows(one.said, other.said), _add_rows(one.same, other.same), kept, others)


def _add_rows(*rows: Row) -> Row:
    return tuple(sum(numbers) for numbers in zip_longest(*rows, fillvalue=0))
