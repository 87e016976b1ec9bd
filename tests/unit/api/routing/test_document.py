"""The routes document is untrusted: it is read whole, or refused with the field and what to write."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_api.routing.counters import Json
from inference_api.routing.document import InvalidRoutes, Routes, document_id, parse

from tests.harness.routes import LABELS, PREPROCESSING, document, only_stable
from tests.unit.api.some import some

DIGEST = "sha256:" + "1" * 64


def parsed(routes: Json) -> Routes:
    return parse(json.dumps(routes).encode())


def version(**changes: Any) -> Json:
    return {"1": {"digest": DIGEST, "labels": LABELS, "preprocessing": PREPROCESSING} | changes}


def test_a_document_is_read_whole() -> None:
    routes = parsed(document(shadow={"percent": 25}))
    assert (routes.model, routes.step, routes.header, routes.salt) == (
        "resnet_medical",
        "step-1",
        "X-Study-Id",
        "sha256:22",
    )
    canary = some(routes.canary)
    assert (routes.stable.version.number, routes.stable.weight) == (1, 90)
    assert (canary.version.number, canary.weight, routes.shadow_percent) == (2, 10, 25)
    assert routes.stable.version.labels == tuple(LABELS)
    assert [(replica.name, replica.host, replica.port, replica.versions) for replica in routes.replicas] == [
        ("a", "127.0.0.71", 8000, frozenset({1, 2})),
        ("b", "127.0.0.72", 8000, frozenset({1, 2})),
    ]


def test_the_id_is_of_the_content_and_may_be_left_out() -> None:
    routes = document()
    assert parsed(routes).id == document_id(routes) == parsed(routes | {"id": document_id(routes)}).id
    assert parsed(document(step="step-2")).id != parsed(routes).id


def test_unknown_fields_are_ignored_but_part_of_the_id() -> None:
    routes = document()
    routes["later"] = {"a": 1}
    routes["replicas"][0]["zone"] = "b"
    assert parsed(routes).replicas == parsed(document()).replicas
    assert parsed(routes).id != parsed(document()).id


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        pytest.param("http://triton-0.triton.ns.svc:8000", ("triton-0.triton.ns.svc", 8000), id="dns-name"),
        pytest.param("http://127.0.0.2:8000/", ("127.0.0.2", 8000), id="slash-at-the-end"),
        pytest.param("http://[::1]:8000", ("::1", 8000), id="ipv6"),
        pytest.param("http://triton", ("triton", 80), id="default-port"),
    ],
)
def test_endpoints(url: str, endpoint: tuple[str, int]) -> None:
    replica = parsed(only_stable(replicas=[{"name": "a", "url": url, "versions": [1]}])).replicas[0]
    assert (replica.host, replica.port) == endpoint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"schemaVersion": 2}, "schemaVersion: is 2; this API reads 1", id="schema-of-the-future"),
        pytest.param({"id": "0" * 64}, "leave id out or compute it again", id="id-of-other-content"),
        pytest.param({"model": None}, "model: must be Triton's name of the model, is missing", id="no-model"),
        pytest.param({"model": "../up"}, "model: must be", id="model-with-a-path"),
        pytest.param({"step": 3}, "step: must be a string", id="step-is-a-number"),
        pytest.param({"stable": None}, "stable: must be an object, is missing", id="no-stable"),
        pytest.param({"stable": {"version": True, "weight": 90}}, "stable.version: must be a whole", id="true-version"),
        pytest.param({"stable": {"version": 0, "weight": 90}}, "stable.version: must be a whole", id="version-0"),
        pytest.param({"stable": {"version": 7, "weight": 90}}, "versions: has no entry 7", id="version-undescribed"),
        pytest.param({"stable": {"version": 1, "weight": 91}}, "sum to 101; they must sum to 100", id="sum-above"),
        pytest.param({"stable": {"version": 1, "weight": "90"}}, "stable.weight: must be a number", id="text-weight"),
        pytest.param({"canary": {"version": 2, "weight": -10}}, "canary.weight: must be a number", id="below-zero"),
        pytest.param({"canary": {"version": 1, "weight": 10}}, "canary.version: is 1 like stable's", id="canary-twin"),
        pytest.param({"canary": []}, "canary: must be an object", id="canary-is-a-list"),
        pytest.param({"shadow": {"percent": 101}}, "shadow.percent: must be a number from 0", id="shadow-above"),
        pytest.param({"assignment": {"salt": "s"}}, "assignment.header: must be a header's name", id="no-header"),
        pytest.param({"assignment": {"header": "A:", "salt": "s"}}, "assignment.header: must be", id="bad-header"),
        pytest.param({"assignment": {"header": "A", "salt": ""}}, "assignment.salt: must be a string", id="no-salt"),
        pytest.param({"versions": []}, "versions: must be an object", id="versions-is-a-list"),
        pytest.param({"replicas": []}, "replicas: must be a list with at least one", id="no-replicas"),
    ],
)
def test_a_bad_field_is_named(changes: Json, message: str) -> None:
    with pytest.raises(InvalidRoutes) as caught:
        parsed(document(**changes))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        pytest.param({"1": 5}, "versions.1: must be an object, is 5", id="no-object"),
        pytest.param(version(digest="sha256:12"), "versions.1.digest: must be sha256:", id="short-digest"),
        pytest.param(version(labels=LABELS[:3]), "versions.1.labels: are 3; write 4, or add input", id="three-labels"),
        pytest.param(version(labels=["a", "a", "b", "c"]), "1 to 1000 distinct", id="twin-labels"),
        pytest.param(version(labels=["a", 1, "b", "c"]), "versions.1.labels: must be a string", id="label-is-a-number"),
        pytest.param(
            version(preprocessing=PREPROCESSING | {"scale": 0}), "versions.1.preprocessing.scale", id="scale-zero"
        ),
        pytest.param(version(preprocessing=None), "versions.1.preprocessing", id="no-preprocessing"),
    ],
)
def test_a_bad_version_is_named(versions: Json, message: str) -> None:
    with pytest.raises(InvalidRoutes) as caught:
        parsed(only_stable(versions=versions))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"name": ""}, "replicas[0].name: must be a string", id="no-name"),
        pytest.param({"name": "b"}, "replicas[1].name: b is there twice", id="name-twice"),
        pytest.param({"url": "https://a:8000"}, "replicas[0].url: must be Triton's HTTP endpoint", id="https"),
        pytest.param({"url": "http://a:99999"}, "replicas[0].url: must be", id="port-too-high"),
        pytest.param({"url": "http://a:80/v2"}, "replicas[0].url: must be", id="path"),
        pytest.param({"url": "http://u@a:80"}, "replicas[0].url: must be", id="user"),
        pytest.param({"url": "http://a\r\nX: 1"}, "replicas[0].url: must be", id="header-injection"),
        pytest.param({"url": None}, "replicas[0].url: must be", id="no-url"),
        pytest.param({"versions": 1}, "replicas[0].versions: must be a list", id="versions-is-a-number"),
        pytest.param({"serverId": 7}, "replicas[0].serverId: must be a string", id="server-id-is-a-number"),
        pytest.param(
            {"serverId": "x" * 129}, "replicas[0].serverId: must be a string of 1 to 128", id="server-id-long"
        ),
        pytest.param({"versions": ["1"]}, "replicas[0].versions: must be a whole number", id="version-is-text"),
    ],
)
def test_a_bad_replica_is_named(changes: Json, message: str) -> None:
    routes = document()
    routes["replicas"][0] |= changes
    with pytest.raises(InvalidRoutes) as caught:
        parsed(routes)
    assert message in str(caught.value)


def test_shadow_needs_a_canary() -> None:
    with pytest.raises(InvalidRoutes, match="shadow: is set without a canary"):
        parsed(only_stable(shadow={"percent": 5}))


def test_stable_needs_a_replica() -> None:
    """Routes never lose stable's last replica; a document that does is a mistake of its writer."""
    with pytest.raises(InvalidRoutes, match="replicas: none holds stable version 1"):
        parsed(only_stable(replicas=[{"name": "a", "url": "http://a:8000", "versions": [2]}]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b" \n", "is empty", id="blank"),
        pytest.param(b"{", "is not JSON", id="half-written"),
        pytest.param(b"\xff\xfe", "is not JSON", id="not-text"),
        pytest.param(b'{"schemaVersion": NaN}', "NaN is no JSON number", id="nan"),
        pytest.param(b"[]", "must be a JSON object", id="list"),
        pytest.param(b"[" * 100_000, "is not JSON", id="deeply-nested"),
        pytest.param(b" " * (1024 * 1024 + 1), "at most 1048576 are read", id="too-large"),
    ],
)
def test_what_is_no_document_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(InvalidRoutes) as caught:
        parse(content)
    assert message in str(caught.value)


def test_a_refusal_carries_the_id_of_what_was_refused() -> None:
    routes = document(step=3)
    with pytest.raises(InvalidRoutes) as caught:
        parsed(routes)
    assert caught.value.id == document_id(routes)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(document())), json_values)
def test_any_value_in_any_field_is_read_or_refused(field: str, value: object) -> None:
    try:
        parsed(document(**{field: value}))
    except InvalidRoutes as error:
        assert str(error)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        pytest.param({}, True, id="nothing"),
        pytest.param({"replicas": document()["replicas"][:1]}, True, id="replicas-alone"),
        pytest.param({"step": "step-2"}, False, id="step"),
        pytest.param(
            {"stable": {"version": 1, "weight": 80}, "canary": {"version": 2, "weight": 20}}, False, id="weight"
        ),
        pytest.param({"shadow": {"percent": 1}}, False, id="shadow"),
    ],
)
def test_traffic_rules_are_everything_but_the_replicas(changes: Json, same: bool) -> None:
    assert parsed(document()).same_traffic(parsed(document(**changes))) is same
