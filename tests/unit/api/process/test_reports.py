"""The workers' snapshots, summed to what the operator acts on."""

import json
from typing import Any

import pytest
from inference_api.process import reports
from inference_api.routing.counters import Json, Result
from inference_api.routing.document import parse
from inference_api.routing.traffic import Traffic

from tests.harness.routes import document, only_stable
from tests.unit.api.some import some


def worker(requests: int = 0, step: str = "step-1", connections: int = 0, in_flight: int = 0, **changes: Any) -> Json:
    traffic = Traffic(128)
    traffic.apply(parse(json.dumps(document(step=step, **changes)).encode()))
    for _ in range(requests):
        traffic.count(some(traffic.routes).stable.version, Result.GOOD, 0.01, ["Glioma"])
    for _ in range(in_flight):
        traffic.begin(some(traffic.routes).versions[:1])
    return traffic.snapshot() | {"openConnections": connections}


def report(live: list[Json | None], gone: Json | None = None) -> Json:
    routes = parse(json.dumps(document()).encode())
    return reports.routes_report("start", False, routes, gone or {}, live)


def test_workers_are_summed() -> None:
    summed = report([worker(3, connections=2, in_flight=1), worker(4, connections=1, in_flight=2)])
    assert (summed["workers"], summed["openConnections"], summed["inFlight"]) == (2, 3, {"1": 3})
    counted = summed["counters"]["1"]
    assert (counted["requests"], sum(counted["latencyBuckets"]), counted["classes"]) == (7, 7, {"Glioma": 7})
    assert len(counted["latencyBuckets"]) == len(summed["latencyBoundsSeconds"]) + 1
    assert (summed["stable"], summed["canary"]) == ({"version": 1, "weight": 90}, {"version": 2, "weight": 10})


def asked(rejected: str | None = None, **requests: int) -> Json:
    return {"access": {"requests": requests, "rejected": rejected}}


@pytest.mark.parametrize(
    ("ended", "live", "requests"),
    [
        pytest.param([], [asked(pacs=2, ris=0), asked(pacs=3, ris=1)], {"pacs": 5, "ris": 1}, id="workers-are-summed"),
        pytest.param([asked(pacs=4)], [asked(pacs=1)], {"pacs": 5}, id="ended-ones-too"),
        pytest.param([asked(old=4), asked(pacs=1)], [asked(pacs=1)], {"pacs": 2}, id="a-client-that-left-is-dropped"),
        pytest.param([asked(pacs=4), asked()], [asked(pacs=1)], {"pacs": 5}, id="one-ended-before-its-document"),
        pytest.param([asked(pacs=4), {"access": None}], [asked(pacs=1)], {"pacs": 5}, id="one-had-none"),
    ],
)
def test_requests_are_summed_by_client(ended: list[Json], live: list[Json | None], requests: Json) -> None:
    gone: Json = {}
    for snapshot in ended:
        gone = reports.fold(gone, snapshot)
    assert reports.access(gone, live) == {"requests": requests, "rejected": None, "issuers": {}}


def test_one_worker_that_refuses_a_document_is_heard() -> None:
    assert some(reports.access({}, [asked(), asked(rejected="not JSON")]))["rejected"] == "not JSON"
    assert reports.access({}, [None, {"access": None}]) is None


def test_the_oldest_signing_keys_are_told() -> None:
    def told(**ages: float | None) -> Json:
        return {"access": {"requests": {}, "rejected": None, "issuers": ages}}

    live: list[Json | None] = [told(a=1.0, b=None, c=3.0), told(a=2.0, b=9.0, c=1.0)]
    assert some(reports.access({}, live))["issuers"] == {"a": 2.0, "b": None, "c": 3.0}


def limited(is_degraded: bool = False, **refused: int) -> Json:
    return {"quota": {"refused": refused, "isDegraded": is_degraded}}


@pytest.mark.parametrize(
    ("ended", "live", "refused", "degraded_workers"),
    [
        pytest.param([], [limited(pacs=2), limited(True, pacs=3, ris=0)], {"pacs": 5, "ris": 0}, 1, id="summed"),
        pytest.param([limited(pacs=4)], [limited(pacs=1)], {"pacs": 5}, 0, id="ended-ones-too"),
        pytest.param([limited(old=4)], [limited(True), None], {}, 1, id="a-client-without-a-quota-is-dropped"),
        pytest.param([{}], [{}], {}, 0, id="nothing-published-yet"),
    ],
)
def test_refusals_by_quota_are_summed(
    ended: list[Json], live: list[Json | None], refused: Json, degraded_workers: int
) -> None:
    gone: Json = {}
    for snapshot in ended:
        gone = reports.fold(gone, snapshot)
    assert reports.quota(gone, live) == {"refused": refused, "degradedWorkers": degraded_workers}


OTHER = {"replicas": document()["replicas"][:1]}


@pytest.mark.parametrize(
    ("live", "agreed"),
    [
        pytest.param([worker()], True, id="one-worker"),
        pytest.param([worker(), worker()], True, id="two-that-agree"),
        pytest.param([worker(), worker(**OTHER)], False, id="one-is-behind"),
        pytest.param([worker(), None], False, id="one-is-still-starting"),
        pytest.param([], False, id="none"),
    ],
)
def test_the_id_is_there_once_every_worker_has_it(live: list[Json | None], agreed: bool) -> None:
    assert (report(live)["id"] is not None) is agreed


def test_only_the_present_step_is_counted() -> None:
    assert report([worker(3), worker(4, step="step-0")])["counters"]["1"]["requests"] == 3


def test_what_a_dead_worker_counted_is_kept_and_what_it_held_is_not() -> None:
    gone = reports.fold({}, worker(5, connections=4, in_flight=3))
    gone = reports.fold(gone, worker(2))
    gone = reports.fold(gone, worker(9, step="step-0"))
    summed = report([worker(1)], gone)
    assert summed["counters"]["1"]["requests"] == 8
    assert (summed["openConnections"], summed["inFlight"], summed["workers"]) == (0, {}, 1)
    assert reports.totals(gone, [worker(1)])["versions"]["1"]["requests"] == 17


def test_a_worker_that_died_before_its_first_snapshot_leaves_nothing() -> None:
    assert report([worker(1)], reports.fold({}, {}))["counters"]["1"]["requests"] == 1


def test_steps_long_gone_are_forgotten() -> None:
    gone: Json = {}
    for number in range(20):
        gone = reports.fold(gone, worker(1, step=f"step-{number}"))
    assert list(gone["steps"]) == ["step-16", "step-17", "step-18", "step-19"]


def test_one_workers_refusal_is_everyones() -> None:
    refused = worker() | {"rejected": {"id": None, "reason": "not JSON"}}
    assert report([worker(), refused])["rejected"] == {"id": None, "reason": "not JSON"}


@pytest.mark.parametrize(
    ("routes", "status"),
    [
        pytest.param(
            document(),
            {"stable": {"version": 1, "weight": 90}, "canary": {"version": 2, "weight": 10}, "releasing": True},
            id="a-canary",
        ),
        pytest.param(
            only_stable(), {"stable": {"version": 1, "weight": 100}, "canary": None, "releasing": False}, id="no-canary"
        ),
        pytest.param(None, {"stable": None, "canary": None, "releasing": False}, id="no-routes-yet"),
    ],
)
def test_the_public_status_has_versions_and_weights(routes: Json | None, status: Json) -> None:
    read = parse(json.dumps(routes).encode()) if routes else None
    assert reports.status_report(read, draining=True) == status | {"draining": True}
