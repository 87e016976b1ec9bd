"""What Prometheus texts say of a stretch of time. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]

RECONCILE = "medinfer_operator_reconcile_seconds"
REQUESTS = "apiserver_request_total"
# What the operator asks for; the API server asks itself for other things.
RESOURCES = ("configmaps", "deployments", "events", "leases", "modelrollouts", "pods", "statefulsets")
LONG = ("WATCH", "CONNECT")


class Reading:
    """A Prometheus text."""

    def __init__(self, text: str) -> None:
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        self.values = {(one.name, frozenset(one.labels.items())): one.value for one in samples}

    def named(self, name: str) -> dict[Labels, float]:
        return {labels: value for (found, labels), value in self.values.items() if found == name}

    def value(self, name: str, **labels: str) -> float:
        """0 when it is not there."""
        return self.values.get((name, frozenset(labels.items())), 0.0)


@dataclass(frozen=True)
class Visits:
    """`buckets`: upper bound in seconds -> visits in that bucket alone."""

    count: int
    sum_seconds: float
    buckets: Mapping[float, int]

    @property
    def mean_seconds(self) -> float:
        return self.sum_seconds / self.count if self.count else 0.0

    def quantile_seconds(self, share: float) -> float:
        """Linear within its bucket; the lower bound of the open one.

        >>> Visits(4, 1.0, {0.5: 2, 1.0: 2, inf: 0}).quantile_seconds(0.75)
        0.75
        """
        wanted, below = share * self.count, 0
        for low, high in pairwise((0.0, *self.buckets)):
            if wanted and below + self.buckets[high] >= wanted:
                return low if high == inf else low + (high - low) * (wanted - below) / self.buckets[high]
            below += self.buckets[high]
        return 0.0

    def slower_than(self, seconds: float) -> int:
        """`seconds` must be the bound of a bucket."""
        assert seconds in self.buckets, f"{seconds} is no bound of the histogram: {list(self.buckets)}"
        return sum(visits for bound, visits in self.buckets.items() if bound > seconds)


def visits(before: Reading, after: Reading) -> Visits:
    grown = _grown(f"{RECONCILE}_bucket", before, after)
    cumulative = sorted((float(dict(labels)["le"]), value) for labels, value in grown.items())
    buckets = {bound: round(value - below) for (_, below), (bound, value) in pairwise(((0.0, 0.0), *cumulative))}
    count, total = (after.value(name) - before.value(name) for name in (f"{RECONCILE}_count", f"{RECONCILE}_sum"))
    return Visits(round(count), total, buckets)


def requests(before: Reading, after: Reading) -> Counter[str]:
    """Requests that the API server answered, by verb and resource as `GET pods`; without watches."""
    found: Counter[str] = Counter()
    for labels, value in _grown(REQUESTS, before, after).items():
        one = dict(labels)
        if one["resource"] in RESOURCES and one["verb"] not in LONG and one["scope"] != "cluster":
            found[f"{one['verb']} {one['resource']}"] += round(value)
    return found


def _grown(name: str, before: Reading, after: Reading) -> dict[Labels, float]:
    old = before.named(name)
    return {labels: value - old.get(labels, 0.0) for labels, value in after.named(name).items()}
