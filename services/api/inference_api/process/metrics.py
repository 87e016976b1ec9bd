"""The workers' counters for Prometheus. They are summed at a scrape, so that a request pays for counting once."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar as Shown

from inference_api.process import measured_metrics, reports
from inference_api.routing.counters import LATENCY_BOUNDS_SECONDS, Json, Result
from inference_api.routing.exemplars import Exemplar, newest

# The kinds of problems with which a request that was right gets no diagnosis.
FAULTS = (
    "internal",
    "model-failed",
    "too-many-connections",
    "overloaded",
    "no-replica",
    "audit-failed",
    "access-unknown",
    "issuer-unreachable",
    "deadline-passed",
)
AUDIT_RESULTS = ("written", "failed", "dropped")
TRACE_RESULTS = ("sent", "refused", "dropped", "limited")

# Event, metric, label, its values that are there from the start, help. An alert asks whether a counter grew, which one
# that appears with 1 did not.
_EVENTS = (
    ("refused", "refused", "kind", FAULTS, "Requests refused, by kind of problem."),
    ("shed", "shed", "full", ("places",), "Requests refused because something was full."),
    ("closed", "closed_connections", "reason", (), "Connections closed by a limit, without an answer."),
    ("traces", "traces", "result", TRACE_RESULTS, "Traces, by what became of them."),
    ("audit", "audit_lines", "result", AUDIT_RESULTS, "Lines of the audit stream, by what became of them."),
)

Read = Callable[[], tuple[Json, list[Json | None]]]


class Metrics(Collector):
    """`read` gives what ended workers counted, and the snapshots of the live ones."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self, accept: str = "") -> tuple[bytes, str]:
        """The exposition and its media type: OpenMetrics, with exemplars, where `accept` names it, else plain text."""
        encode, media_type = choose_encoder(accept)
        text: bytes = encode(self._registry)
        return text, media_type

    def collect(self) -> Iterable[Metric]:
        """All metrics, read now; prometheus_client calls this."""
        gone, live = self._read()
        totals = reports.totals(gone, live)
        versions = reports.versions(gone, live)
        yield from _requests(versions)
        yield _durations(versions, _exemplars(live))
        yield _classes(versions)
        yield from _shadow(totals.get("shadow", {}))
        yield from _events(totals.get("events", {}))
        yield from _access(reports.access(gone, live))
        yield from _quota(reports.quota(gone, live))
        yield from measured_metrics.lateness(totals.get("loopLateness", {}))
        yield from measured_metrics.families(reports.measured(gone, live))
        yield from _state(live)


def _requests(versions: Json) -> Iterator[Metric]:
    family = CounterMetricFamily(
        "inference_api_requests",
        "Requests by the version that was chosen for them and by how they ended.",
        labels=["version", "outcome"],
    )
    for version, counted in versions.items():
        errors, fallbacks = counted["errors"], counted["fallbacks"]
        family.add_metric([version, Result.GOOD], counted["requests"] - errors)
        family.add_metric([version, Result.FALLBACK], fallbacks)
        family.add_metric([version, Result.FAILED], errors - fallbacks)
        family.add_metric([version, Result.LOST], counted["lost"])
    yield family


def _durations(versions: Json, exemplars: Mapping[str, Mapping[int, Exemplar]]) -> Metric:
    family = HistogramMetricFamily(
        "inference_api_request_duration_seconds",
        "Seconds from the last byte of a request to its answer, of requests that the chosen version answered.",
        labels=["version"],
    )
    bounds = [*map(str, LATENCY_BOUNDS_SECONDS), "+Inf"]
    for version, counted in versions.items():
        cumulative, known = accumulate(counted["latencyBuckets"]), exemplars.get(version, {})
        buckets = [
            (bound, count, _shown(known[number])) if number in known else (bound, count)
            for number, (bound, count) in enumerate(zip(bounds, cumulative, strict=True))
        ]
        family.add_metric([version], buckets, counted["latencySumSeconds"])
    return family


def _exemplars(live: list[Json | None]) -> dict[str, dict[int, Exemplar]]:
    return newest([snapshot["exemplars"] for snapshot in live if snapshot and "exemplars" in snapshot])


def _shown(exemplar: Exemplar) -> Shown:
    return Shown({"trace_id": exemplar.trace_id}, exemplar.latency_seconds, exemplar.wall_seconds)


def _classes(versions: Json) -> Metric:
    family = CounterMetricFamily(
        "inference_api_predictions", "Images by version and predicted class.", labels=["version", "class"]
    )
    for version, counted in versions.items():
        for label, count in counted["classes"].items():
            family.add_metric([version, label], count)
    return family


def _shadow(shadow: Json) -> Iterator[Metric]:
    family = CounterMetricFamily("inference_api_shadow_copies", "Shadow copies by their result.", labels=["result"])
    if shadow:
        family.add_metric(["agreed"], shadow["agreed"])
        family.add_metric(["disagreed"], shadow["samples"] - shadow["agreed"])
        family.add_metric(["failed"], shadow["failed"])
        family.add_metric(["dropped"], shadow["dropped"])
    yield family


def _events(events: Json) -> Iterator[Metric]:
    for event, name, label, known, help in _EVENTS:
        family = CounterMetricFamily(f"inference_api_{name}", help, labels=[label])
        counted = {one.partition(":")[2]: count for one, count in events.items() if one.startswith(f"{event}:")}
        for value, count in (dict.fromkeys(known, 0) | counted).items():
            family.add_metric([value], count)
        yield family
    for name, help in (
        ("swaps", "Routes put in force, summed over the workers."),
        ("rejected", "Routes refused, summed over the workers."),
    ):
        yield CounterMetricFamily(f"inference_api_{name}", help, value=events.get(name, 0))


def _access(access: Json | None) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "inference_api_authentication_enabled",
        "1 where clients need a key; 0 where everybody may ask.",
        value=access is not None,
    )
    rejected = GaugeMetricFamily(
        "inference_api_access_document_rejected",
        "1 while the newest access document is refused and the last valid one is in force.",
        labels=(),
    )
    ages = GaugeMetricFamily(
        "inference_api_issuer_keys_age_seconds",
        "Seconds since an issuer of tokens told its signing keys; infinite before it ever did.",
        labels=["issuer"],
    )
    requests = CounterMetricFamily(
        "inference_api_client_requests", "Requests that were let in, by client.", labels=["client"]
    )
    if access is not None:
        rejected.add_metric((), access["rejected"] is not None)
        for issuer, age in access["issuers"].items():
            ages.add_metric([issuer], math.inf if age is None else age)
        for client, count in access["requests"].items():
            requests.add_metric([client], count)
    yield from (rejected, ages, requests)


def _quota(quota: Json) -> Iterator[Metric]:
    refused = CounterMetricFamily(
        "inference_api_quota_refused", "Requests refused because their client was above its quota.", labels=["client"]
    )
    for client, count in quota["refused"].items():
        refused.add_metric([client], count)
    yield refused
    yield GaugeMetricFamily(
        "inference_api_limiter_degraded",
        "1 while a worker cannot reach the Redis of the limits, so that it holds clients to its share of their quotas.",
        value=quota["degradedWorkers"] > 0,
    )


def _state(live: list[Json | None]) -> Iterator[Metric]:
    snapshots = [snapshot for snapshot in live if snapshot]
    in_flight = GaugeMetricFamily(
        "inference_api_in_flight", "Requests that may still reach a version.", labels=["version"]
    )
    for version, count in reports.in_flight(live).items():
        in_flight.add_metric([version], count)
    yield in_flight
    yield _images(snapshots)
    ejected = GaugeMetricFamily(
        "inference_api_ejected_workers", "Workers that do not ask a replica at the moment.", labels=["replica"]
    )
    for replica in sorted({name for one in snapshots for name in (*one.get("replicas", ()), *one["ejected"])}):
        ejected.add_metric([replica], sum(replica in snapshot["ejected"] for snapshot in snapshots))
    yield ejected
    memory = [snapshot.get("memory", {}) for snapshot in snapshots]
    for name, help, value in (
        ("images_in_work", "Images that are worked on.", sum(one.get("imagesInWork", 0) for one in snapshots)),
        ("readers", "Uploads that are being received.", sum(snapshot.get("readers", 0) for snapshot in snapshots)),
        ("memory_used_bytes", "Memory budget in use.", sum(one.get("usedBytes", 0) for one in memory)),
        ("memory_budget_bytes", "Memory budget of all workers.", sum(one.get("budgetBytes", 0) for one in memory)),
        ("workers", "Workers alive.", len(live)),
        ("open_connections", "Connections of clients.", sum(snapshot["openConnections"] for snapshot in snapshots)),
        ("canary_suspended_workers", "Workers that suspend the canary.", sum(map(_is_suspended, snapshots))),
    ):
        yield GaugeMetricFamily(f"inference_api_{name}", help, value=value)


def _images(snapshots: list[Json]) -> Metric:
    family = GaugeMetricFamily(
        "inference_api_replica_images_in_flight", "Images that a replica of the routes is asked of.", labels=["replica"]
    )
    for name in sorted({name for snapshot in snapshots for name in snapshot.get("replicas", ())}):
        family.add_metric([name], sum(snapshot.get("replicas", {}).get(name, 0) for snapshot in snapshots))
    return family


def _is_suspended(snapshot: Json) -> bool:
    return snapshot["suspended"] is not None
