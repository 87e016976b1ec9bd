"""What process/measurements.py measured, as metrics."""

from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from inference_api.process.loop_lateness import LATENESS_BOUNDS_SECONDS
from inference_api.process.measurements import (
    CONFIDENCE_BOUNDS,
    HTTP_BOUNDS_SECONDS,
    STAGE_BOUNDS_SECONDS,
    http_labels,
)
from inference_api.routing.counters import Json

_LATENESS = {
    "lateness": "How late the event loop was, measured 50 times a second: all requests of a worker wait as long.",
    "blocked": "How late it was without the time for which it waited for a CPU: something computed on it.",
}


def families(measured: Json) -> Iterator[Metric]:
    """`measured`: the sum of all workers."""
    yield _stages(measured.get("stages", {}))
    yield _uploads(measured.get("uploadBytes", {}))
    yield _confidences(measured.get("confidences", {}))
    yield from _http(measured.get("http", {}))


def lateness(counted: Json) -> Iterator[Metric]:
    """Of all event loops together; see LoopLateness."""
    for name, what in _LATENESS.items():
        family = HistogramMetricFamily(f"inference_api_event_loop_{name}_seconds", what, labels=[])
        if counted:
            _add(family, [], LATENESS_BOUNDS_SECONDS, counted[name])
        yield family


def _stages(stages: Json) -> Metric:
    family = HistogramMetricFamily(
        "inference_api_stage_duration_seconds",
        "Seconds of a request in each stage, from its last byte to its answer.",
        labels=["stage"],
    )
    for stage, counted in stages.items():
        _add(family, [stage], STAGE_BOUNDS_SECONDS, counted)
    return family


def _uploads(upload_bytes: Json) -> Metric:
    family = CounterMetricFamily(
        "inference_api_upload_bytes", "Bytes of uploaded files, by image format.", labels=["format"]
    )
    for name, count in upload_bytes.items():
        family.add_metric([name], count)
    return family


def _confidences(confidences: Json) -> Metric:
    family = HistogramMetricFamily(
        "inference_api_confidence",
        "Probability of the most probable class or finding, by the version that answered.",
        labels=["version"],
    )
    for version, counted in confidences.items():
        _add(family, [version], CONFIDENCE_BOUNDS, counted)
    return family


def _http(http: Json) -> Iterator[Metric]:
    labels = ["handler", "method", "status"]
    requests = CounterMetricFamily("http_requests", "Answers of the public port.", labels=labels)
    durations = HistogramMetricFamily(
        "http_request_duration_seconds", "Seconds from a request's head to the end of its answer.", labels=labels
    )
    for key, counted in http.items():
        requests.add_metric(http_labels(key), sum(counted["buckets"]))
        _add(durations, http_labels(key), HTTP_BOUNDS_SECONDS, counted)
    yield from (requests, durations)


def _add(family: HistogramMetricFamily, labels: Sequence[str], bounds: Sequence[float], counted: Json) -> None:
    cumulative = accumulate(counted["buckets"])
    named = [*map(str, bounds), "+Inf"]
    family.add_metric(labels, list(zip(named, cumulative, strict=True)), counted["sum"])
