import json
from typing import Any

import pytest
from inference_api.process.reports import step_counters
from inference_api.routing.counters import Json, Result
from inference_api.routing.document import Routes, parse
from inference_api.routing.traffic import MAX_VERSIONS, Traffic

from tests.harness.routes import document, only_stable
from tests.unit.api.some import some


def routes(**changes: Any) -> Routes:
    return parse(json.dumps(document(**changes)).encode())


def traffic() -> Traffic:
    fresh = Traffic(max_in_flight=128)
    fresh.apply(routes())
    return fresh


def requests(counted: Json) -> Json:
    return {version: document["requests"] for version, document in counted["versions"].items()}


def test_a_new_step_counts_from_zero_and_totals_go_on() -> None:
    traffic_ = traffic()
    traffic_.count(some(traffic_.routes).stable.version, Result.GOOD, 0.01, ["Glioma"])
    traffic_.apply(routes(step="step-2"))
    traffic_.count(some(traffic_.routes).stable.version, Result.GOOD, 0.01, ["Glioma"])
    snapshot = traffic_.snapshot()
    since = step_counters(snapshot)
    assert requests(since) == {"1": 1, "2": 0}
    assert since["versions"]["1"]["classes"] == {"Glioma": 1}
    assert requests(snapshot["totals"]) == {"1": 2, "2": 0}


@pytest.mark.parametrize(
    ("changes", "lifted"),
    [
        pytest.param({"replicas": document()["replicas"][:1]}, False, id="other-replicas"),
        pytest.param({"step": "step-2"}, True, id="another-step"),
    ],
)
def test_a_suspended_canary_waits_for_other_traffic_rules(changes: Json, lifted: bool) -> None:
    """A canary that killed a replica changes the list of replicas by that: it must not come back through it."""
    traffic_ = traffic()
    some(traffic_.choose_canary(some(traffic_.routes))).containment.suspend()
    traffic_.apply(routes(**changes))
    assert (traffic_.snapshot()["suspended"] is None) is lifted


def test_the_weight_decides_unless_the_canary_is_contained() -> None:
    traffic_ = traffic()
    everyone = routes(stable={"version": 1, "weight": 0}, canary={"version": 2, "weight": 100})
    nobody = routes(stable={"version": 1, "weight": 100}, canary={"version": 2, "weight": 0})
    traffic_.apply(nobody)
    assert traffic_.assign(nobody, b"study") is None
    traffic_.apply(everyone)
    route = traffic_.assign(everyone, b"study")
    assert route is not None
    route.containment.suspend()
    assert traffic_.assign(everyone, b"study") is None


def test_a_request_under_older_rules_is_stables() -> None:
    """Weight taken away while a large image was prepared is taken away from that image too."""
    traffic_ = traffic()
    older = routes(stable={"version": 1, "weight": 0}, canary={"version": 2, "weight": 100})
    assert traffic_.assign(older, b"study") is None


def test_without_a_canary_there_is_nothing_to_choose() -> None:
    traffic_ = Traffic(128)
    stable = parse(json.dumps(only_stable()).encode())
    traffic_.apply(stable)
    assert traffic_.assign(stable, b"study") is None


def test_in_flight_counts_every_version_that_a_request_may_reach() -> None:
    traffic_ = traffic()
    versions = some(traffic_.routes).versions
    traffic_.begin(versions)
    traffic_.begin(versions[:1])
    assert traffic_.snapshot()["inFlight"] == {"1": 2, "2": 1}
    traffic_.end(versions)
    assert traffic_.snapshot()["inFlight"] == {"1": 1}


def test_versions_long_gone_are_forgotten() -> None:
    traffic_ = Traffic(128)
    for number in range(1, MAX_VERSIONS + 5):
        versions = {str(number): document()["versions"]["1"]}
        replicas = [{"name": "a", "url": "http://a:8000", "versions": [number]}]
        changed = only_stable(versions=versions, replicas=replicas) | {"stable": {"version": number, "weight": 100}}
        traffic_.apply(parse(json.dumps(changed).encode()))
    totals = traffic_.snapshot()["totals"]["versions"]
    assert len(totals) == MAX_VERSIONS
    assert str(MAX_VERSIONS + 4) in totals
