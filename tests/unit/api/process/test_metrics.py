"""What Prometheus reads is what was counted."""

import json
import math

import pytest
from inference_api.problems import Full
from inference_api.process import reports
from inference_api.process.loop_lateness import LoopLateness
from inference_api.process.metrics import Metrics
from inference_api.routing.counters import LATENCY_BOUNDS_SECONDS, Json, Result
from inference_api.routing.document import parse
from inference_api.routing.exemplars import Exemplar
from inference_api.routing.traffic import Traffic
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.routes import document
from tests.unit.api.some import some


def worker() -> Json:
    traffic = Traffic(128)
    traffic.apply(parse(json.dumps(document()).encode()))
    routes = some(traffic.routes)
    canary = some(routes.canary).version
    for result in (Result.GOOD, Result.GOOD, Result.FALLBACK, Result.FAILED, Result.LOST):
        traffic.count(canary, result, 0.0115, ["No Tumor"])
    traffic.begin(routes.versions)
    for _ in range(2):
        traffic.note_shed(Full.PLACES)
    traffic.note_shed(Full.MEMORY)
    for _ in range(3):
        traffic.note_refusal("not-an-image")
    traffic.note_closed("no-first-byte")
    traffic.shadow |= {"samples": 5, "agreed": 4, "failed": 1, "dropped": 6}
    traffic.note_exemplar(canary, Exemplar("a" * 32, 0.0115, 1_700_000_000.0))
    suspend_canary(traffic)
    traffic.replicas.eject_replica(next(iter(traffic.replicas)), stable=1)
    memory = {"usedBytes": 5, "budgetBytes": 100}
    snapshot = traffic.snapshot() | {"openConnections": 7, "readers": 3, "memory": memory}
    lateness = LoopLateness(lambda: 0.0)
    for late_seconds, waited_seconds in ((0.0, 0.0), (0.03, 0.02), (60.0, 60.5)):
        lateness.count(late_seconds, waited_seconds)
    snapshot["totals"]["loopLateness"] = lateness.document()
    return snapshot


def suspend_canary(traffic: Traffic) -> None:
    route = traffic.choose_canary(some(traffic.routes))
    some(route).containment.suspend()


def scraped(gone: Json, live: list[Json | None]) -> dict[tuple[str, ...], float]:
    families = text_string_to_metric_families(Metrics(lambda: (gone, live)).text()[0].decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_sums_of_all_workers_are_exposed() -> None:
    metrics = scraped(reports.fold({}, worker()), [worker(), None])
    assert metrics["inference_api_requests_total", "good", "2"] == 4
    assert metrics["inference_api_requests_total", "fallback", "2"] == 2
    assert metrics["inference_api_requests_total", "failed", "2"] == 2
    assert metrics["inference_api_requests_total", "lost", "2"] == 2
    assert metrics["inference_api_predictions_total", "No Tumor", "2"] == 4
    assert [metrics["inference_api_shed_total", full] for full in ("places", "memory")] == [4, 2]
    assert metrics["inference_api_refused_total", "not-an-image"] == 6
    assert metrics["inference_api_closed_connections_total", "no-first-byte"] == 2
    assert [metrics["inference_api_shadow_copies_total", result] for result in ("agreed", "disagreed")] == [8, 2]
    assert [metrics["inference_api_shadow_copies_total", result] for result in ("failed", "dropped")] == [2, 12]


def test_a_fault_of_the_api_is_counted_from_nought() -> None:
    assert scraped({}, [])["inference_api_refused_total", "internal"] == 0


def test_what_is_present_is_the_live_workers_only() -> None:
    metrics = scraped(reports.fold({}, worker()), [worker(), None])
    assert metrics["inference_api_in_flight", "2"] == 1
    assert metrics["inference_api_open_connections",] == 7
    assert metrics["inference_api_readers",] == 3
    assert (metrics["inference_api_memory_used_bytes",], metrics["inference_api_memory_budget_bytes",]) == (5, 100)
    assert metrics["inference_api_workers",] == 2
    assert metrics["inference_api_ejected_workers", "a"] == 1
    assert metrics["inference_api_canary_suspended_workers",] == 1


def test_the_histogram_is_cumulative() -> None:
    metrics = scraped({}, [worker()])
    below, above = (
        max(b for b in LATENCY_BOUNDS_SECONDS if b < 0.0115),
        min(b for b in LATENCY_BOUNDS_SECONDS if b > 0.0115),
    )
    name = "inference_api_request_duration_seconds"
    assert [metrics[f"{name}_bucket", str(bound), "2"] for bound in (below, above, "+Inf")] == [0, 2, 2]
    assert (metrics[f"{name}_count", "2"], metrics[f"{name}_sum", "2"]) == (2, 0.023)


ACCESS: Json = {"requests": {"pacs": 3}, "rejected": None, "issuers": {"https://a": 9, "https://b": None}}


@pytest.mark.parametrize(
    ("access", "expected"),
    [
        pytest.param(None, (0, None, None, None, None), id="off"),
        pytest.param(ACCESS, (1, 0, 6, 9, math.inf), id="on"),
        pytest.param(ACCESS | {"rejected": "is empty"}, (1, 1, 6, 9, math.inf), id="bad-document"),
    ],
)
def test_who_asks_is_exposed(access: Json | None, expected: tuple[float | None, ...]) -> None:
    metrics = scraped({}, [worker() | {"access": access}] * 2)
    names = (
        ("authentication_enabled",),
        ("access_document_rejected",),
        ("client_requests_total", "pacs"),
        ("issuer_keys_age_seconds", "https://a"),
        ("issuer_keys_age_seconds", "https://b"),
    )
    assert tuple(metrics.get((f"inference_api_{name}", *labels)) for name, *labels in names) == expected


BOUNDS = ("0.02", "0.05", "10.0", "+Inf")


def test_the_lateness_of_all_loops_is_one_histogram() -> None:
    metrics = scraped(reports.fold({}, worker()), [worker()])
    buckets = {
        name: [metrics[f"inference_api_event_loop_{name}_seconds_bucket", bound] for bound in BOUNDS]
        for name in ("lateness", "blocked")
    }
    assert buckets == {"lateness": [2, 4, 4, 6], "blocked": [6, 6, 6, 6]}


def test_before_anything_was_published_there_is_something_to_scrape() -> None:
    assert scraped({}, [None])["inference_api_workers",] == 1


def test_who_was_above_a_quota_is_exposed() -> None:
    live: list[Json | None] = [worker() | {"quota": {"refused": {"pacs": 3}, "isDegraded": True}}]
    read = scraped({}, live)
    assert (read["inference_api_quota_refused_total", "pacs"], read["inference_api_limiter_degraded",]) == (3, 1)
    assert scraped({}, [worker()])["inference_api_limiter_degraded",] == 0


def test_openmetrics_names_a_trace_for_a_latency_and_the_plain_format_does_not() -> None:
    metrics = Metrics(lambda: ({}, [worker()]))
    text, media_type = metrics.text("application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
    assert media_type.startswith("application/openmetrics-text; version=1.0.0")
    (line,) = [line for line in text.decode().splitlines() if " # {" in line]
    bound = next(bound for bound in LATENCY_BOUNDS_SECONDS if bound >= 0.0115)
    assert line == (
        f'inference_api_request_duration_seconds_bucket{{le="{bound}",version="2"}} 2.0'
        f' # {{trace_id="{"a" * 32}"}} 0.0115 1700000000.0'
    )
    plain, media_type = metrics.text("*/*")
    assert media_type.startswith("text/plain; version=0.0.4") and b"a" * 32 not in plain
