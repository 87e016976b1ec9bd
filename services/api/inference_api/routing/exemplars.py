"""For each version and each bucket of its latencies the newest sampled trace: what a point on a board links to."""

from bisect import bisect_left
from collections.abc import Collection
from typing import NamedTuple

from inference_api.routing.counters import LATENCY_BOUNDS_SECONDS, Json


class Exemplar(NamedTuple):
    """`trace_id`: 32 hexadecimal digits; `wall_seconds`: when it was answered, since 1970."""

    trace_id: str
    latency_seconds: float
    wall_seconds: float


class Exemplars:
    """Of one worker. One for each bucket, so their number is bounded by that of the versions."""

    def __init__(self) -> None:
        self._versions: dict[int, dict[int, Exemplar]] = {}

    def note(self, version: int, exemplar: Exemplar) -> None:
        """Takes the place of the one before."""
        bucket = bisect_left(LATENCY_BOUNDS_SECONDS, exemplar.latency_seconds)
        self._versions.setdefault(version, {})[bucket] = exemplar

    def keep_only(self, versions: Collection[int]) -> None:
        """Drops those of versions that are not counted any more."""
        self._versions = {version: found for version, found in self._versions.items() if version in versions}

    def document(self) -> Json:
        """By version and by the bucket's number, as JSON."""
        return {
            str(version): {str(bucket): list(exemplar) for bucket, exemplar in buckets.items()}
            for version, buckets in self._versions.items()
        }


def newest(documents: list[Json]) -> dict[str, dict[int, Exemplar]]:
    """Of what several workers published, the newest of each version and bucket."""
    found: dict[str, dict[int, Exemplar]] = {}
    for document in documents:
        for version, buckets in document.items():
            known = found.setdefault(version, {})
            for number, values in buckets.items():
                bucket, exemplar = int(number), Exemplar(*values)
                if bucket not in known or known[bucket].wall_seconds < exemplar.wall_seconds:
                    known[bucket] = exemplar
    return found
