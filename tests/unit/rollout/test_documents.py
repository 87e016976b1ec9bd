"""Every door: specs, reports of agents and API pods, published documents and statuses that are spoilt."""

import json
from dataclasses import replace
from typing import Any

import pytest
from rollout_operator.decide.decide import decide
from rollout_operator.documents.agent import parse_agent_state
from rollout_operator.documents.api import parse_api_state
from rollout_operator.documents.codec import InvalidDocument, dump
from rollout_operator.documents.plan import parse_plan
from rollout_operator.documents.routes import parse_routes
from rollout_operator.documents.spec import InvalidSpec, parse_spec
from rollout_operator.documents.status import Status, parse_status

from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.specs import digest, spec

BODY: dict[str, Any] = {
    "metadata": {"name": "resnet-medical", "generation": 3},
    "spec": {
        "tritonRef": {"name": "medinfer-triton"},
        "apiRef": {"name": "medinfer-api"},
        "model": "resnet_medical",
        "version": 2,
        "artifact": {"uri": "s3://models/2.tar", "digest": digest(2)},
        "strategy": {"steps": [{"setWeight": 5}, {"pause": {"seconds": 300}}, {"setWeight": 100}]},
    },
}
VERSION = {"version": 2, "digest": digest(2), "role": "canary", "state": "Warm", "reason": "", "message": ""}
AGENT = {"schemaVersion": 1, "replica": "triton-0", "startId": "x", "id": None, "rejected": None, "versions": [VERSION]}
COUNTERS = {"requests": 3, "errors": 0, "fallbacks": 0, "latencySumSeconds": 0.1, "latencyBuckets": [3, 0, 0]}
API: dict[str, Any] = {"startId": "x", "id": None, "step": "s", "inFlight": {"1": 2}, "counters": {"1": COUNTERS}}
API |= {"latencyBoundsSeconds": [0.1, 0.2], "shadow": {"samples": 0, "agreed": 0, "dropped": 0, "matrix": []}}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(document))
    *parents, last = path.split(".")
    part: Any = copy
    for name in parents:
        part = part[int(name)] if isinstance(part, list) else part[name]
    part[last] = value
    return copy


def test_a_spec_is_read_with_defaults_and_its_object() -> None:
    found = parse_spec(BODY)
    assert (found.name, found.generation, str(found.wanted), found.analysis.min_samples) == (
        "resnet-medical",
        3,
        "v2",
        100,
    )


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        pytest.param("spec.version", 0, "version: Input should be greater than or equal to 1", id="version-0"),
        pytest.param("spec.version", "2", "version: Input should be a valid integer", id="version-as-text"),
        pytest.param("spec.artifact.digest", "latest", "artifact.digest: write sha256: and 64", id="no-digest"),
        pytest.param("spec.artifact.uri", "docker://x", "artifact.uri: write a file:", id="uri-of-an-image"),
        pytest.param("spec.strategy.steps", [], "the last step must be setWeight: 100", id="no-steps"),
        pytest.param("spec.strategy", {}, "strategy.steps: is missing; write it", id="strategy-without-steps"),
        pytest.param("spec.analysis", {"maxErrorRate": 2}, "analysis.maxErrorRate: Input should be", id="rate"),
        pytest.param("spec.load", {"timeoutSeconds": 0}, "load.timeoutSeconds: Input should be greater", id="no-time"),
    ],
)
def test_a_bad_spec_names_the_field_and_the_mend(path: str, value: Any, problem: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        parse_spec(changed(BODY, path, value))
    assert problem in str(error.value)
    assert error.value.generation == 3


def test_all_problems_are_listed_at_once() -> None:
    body = changed(changed(BODY, "spec.version", 0), "spec.artifact.digest", "x")
    del body["spec"]["model"]
    with pytest.raises(InvalidSpec) as error:
        parse_spec(body)
    assert {problem.split(":")[0] for problem in error.value.problems} == {"version", "artifact.digest", "model"}


def test_an_unreadable_spec_takes_the_weight_of_the_canary_and_blocks() -> None:
    made = release(cluster()).run(12)
    assert made.routes and made.routes.canary_weight
    decision = decide(InvalidSpec(("version: is missing; write it",), 9), parse_status(made.status), made.observe())
    assert decision.plan is None
    assert decision.routes and (decision.routes.canary, decision.routes.stable.weight) == (None, 100)
    assert (decision.report.phase, decision.report.observed_generation) == ("Blocked", 9)
    assert "version: is missing" in decision.report.message
    assert {one.type: one.status for one in decision.status.conditions} == {
        "Available": "True",
        "Ready": "False",
        "Stalled": "True",
        "ArtifactVerified": "Unknown",
    }


def test_good_reports_are_read() -> None:
    assert parse_agent_state(json.dumps(AGENT).encode()).versions[0].state == "Warm"
    assert parse_api_state(json.dumps(API).encode()).counters["1"].requests == 3


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("versions", None, id="versions-null"),
        pytest.param("versions.0.version", -1, id="negative-version"),
        pytest.param("versions.0.digest", 7, id="digest-is-a-number"),
        pytest.param("versions.0.state", "Splendid", id="unknown-state"),
        pytest.param("versions.0.labels", [], id="no-label"),
        pytest.param("versions.0.reason", "x" * 65, id="endless-reason"),
        pytest.param("replica", 7, id="name-is-a-number"),
    ],
)
def test_nonsense_of_an_agent_is_refused(path: str, value: Any) -> None:
    with pytest.raises(InvalidDocument, match=path.rpartition(".")[2]):
        parse_agent_state(json.dumps(changed(AGENT, path, value)).encode())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("startId", "", id="no-start-id"),
        pytest.param("inFlight", {"1": -2}, id="negative-in-flight"),
        pytest.param("counters.1.requests", -1, id="negative-requests"),
        pytest.param("counters.1.latencyBuckets", [1], id="too-few-latencyBuckets"),
        pytest.param("latencyBoundsSeconds", [2, 1], id="bounds-that-fall"),
        pytest.param("suspended", "x" * 257, id="a-reason-as-long-as-a-page"),
        pytest.param("shadow", {"samples": "many"}, id="samples-as-text"),
    ],
)
def test_nonsense_of_an_api_pod_is_refused(path: str, value: Any) -> None:
    with pytest.raises(InvalidDocument):
        parse_api_state(json.dumps(changed(API, path, value)).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"a": NaN}', b"x" * (1 << 21)], ids=range(5))
def test_no_report_at_all_is_refused(content: bytes) -> None:
    for parse in (parse_agent_state, parse_api_state):
        with pytest.raises(InvalidDocument):
            parse(content)


def test_published_documents_come_back_as_they_were() -> None:
    made = release(cluster()).run(12)
    assert made.plan and made.routes
    assert parse_plan(json.dumps(made.plan.document())) == made.plan
    assert parse_routes(json.dumps(made.routes.document())) == made.routes
    assert made.routes.document()["id"] == made.routes.id


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        pytest.param(lambda text: "", "empty", id="emptied"),
        pytest.param(lambda text: text[:40], "not JSON", id="cut"),
        pytest.param(lambda text: "[]", "JSON object", id="a-list"),
        pytest.param(lambda text: text.replace('"weight": 100', '"weight": 7'), "edited by hand", id="edited"),
        pytest.param(
            lambda text: text.replace('"schemaVersion": 1', '"schemaVersion": 9'), "schemaVersion", id="schema"
        ),
    ],
)
def test_spoilt_routes_are_no_routes(spoil: Any, problem: str) -> None:
    with pytest.raises(InvalidDocument, match=problem):
        parse_routes(spoil(cluster().routes_text))


def test_a_status_survives_its_way_through_the_api_server() -> None:
    made = release(cluster())
    for _ in range(30):
        made.tick()
        assert (
            made.decision and parse_status(json.loads(json.dumps(dump(made.decision.status)))) == made.decision.status
        )


@pytest.mark.parametrize("document", [None, {}, {"stable": 7}, {"history": "x"}, {"promotedAt": "soon"}])
def test_an_unreadable_status_is_none(document: Any) -> None:
    assert parse_status(document) == Status()


def test_the_address_is_not_part_of_a_releases_identity() -> None:
    one = spec(2).wanted
    assert replace(one, uri="s3://elsewhere/2.tar") == one
