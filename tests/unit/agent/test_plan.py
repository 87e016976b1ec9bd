import hashlib
import json
from typing import Any

import pytest
from modelctl.bundle import canonical
from replica_agent.plan import MAX_BYTES, InvalidPlan, Role, claimed_id, parse_plan

from tests.unit.agent.plans import artifact, document


def parse(value: Any) -> Any:
    return parse_plan(value if isinstance(value, bytes) else json.dumps(value).encode())


def test_an_absent_id_is_computed_and_a_right_one_is_taken() -> None:
    plan = document(stable=1, canary=2)
    text = json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    expected = hashlib.sha256(text.encode()).hexdigest()
    assert parse(plan).id == parse(plan | {"id": None}).id == expected
    assert parse(plan | {"id": expected}).id == expected


def test_unknown_fields_are_ignored_but_count_for_the_id() -> None:
    plan = document(stable=1, tomorrow={"a": 1})
    assert parse(plan).id == canonical.sha256(plan)


def test_what_is_left_out_has_the_documented_defaults() -> None:
    plan = document(stable=1)
    del plan["load"], plan["warmup"]
    parsed = parse(plan)
    assert parsed.load.timeout_seconds == 300 and parsed.siblings == ()
    assert (parsed.warmup.batch_sizes, parsed.warmup.max_seconds) == ((1, 4, 8, 16), 120)
    assert parsed.warmup.golden.atol == 0.02


def changed(role: str, **fields: Any) -> dict[str, Any]:
    return document(**{role: artifact(1) | fields})


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        pytest.param(b"", "the plan is empty; write a plan", id="empty"),
        pytest.param(b"  \n", "the plan is empty", id="blank"),
        pytest.param(b"{", "not JSON", id="half-written"),
        pytest.param(b"\xff\xfe", "not JSON", id="not-utf-8"),
        pytest.param(b"[" * 100_000, "not JSON", id="nested-without-end"),
        pytest.param(b"[]", "must be a JSON object", id="a-list"),
        pytest.param(b'{"warmup": NaN}', "not JSON", id="nan"),
        pytest.param(b'{"warmup": 1e999}', "a number that JSON cannot express", id="infinite"),
        pytest.param(b" " * (MAX_BYTES + 1), f"{MAX_BYTES} are allowed", id="too-big"),
        pytest.param(document(schemaVersion=2), "schemaVersion: ", id="a-later-schema"),
        pytest.param(document(id="0" * 64), "id: is not the sha256 of the content, which is ", id="wrong-id"),
        pytest.param(document(stable=None), "name a version under stable or canary", id="nothing-wanted"),
        pytest.param(document(stable=1, model="../etc"), "model: write a model name", id="model-that-is-a-path"),
        pytest.param(document(stable=1, canary=artifact(1)), "distinct version numbers", id="version-twice"),
        pytest.param(
            document(stable=1, canary=artifact(2) | {"digest": artifact(1)["digest"]}),
            "distinct digests",
            id="digest-twice",
        ),
        pytest.param(changed("stable", version="1"), "stable.version: ", id="version-in-quotes"),
        pytest.param(changed("stable", version=True), "stable.version: ", id="version-true"),
        pytest.param(changed("stable", version=0), "stable.version: ", id="version-zero"),
        pytest.param(changed("stable", version=2**63), "stable.version: ", id="version-too-big"),
        pytest.param(changed("canary", digest="abc"), "canary.digest: write sha256: and 64", id="short-digest"),
        pytest.param(changed("canary", uri="ftp://x/y"), "canary.uri: write a file:, http(s):", id="ftp"),
        pytest.param(changed("canary", uri="/x/y.tar"), "canary.uri: write a file:", id="bare-path"),
        pytest.param(changed("canary", replicas="all"), "canary.replicas: ", id="replicas-no-list"),
        pytest.param(document(stable={"version": 1}), "stable.uri: is missing; write it", id="uri-missing"),
        pytest.param(document(stable=1, load={"timeoutSeconds": -1}), "load.timeoutSeconds: ", id="negative-timeout"),
        pytest.param(document(stable=1, warmup={"batchSizes": []}), "warmup.batchSizes: ", id="no-batch-sizes"),
        pytest.param(document(stable=1, warmup={"batchSizes": [0]}), "warmup.batchSizes.0: ", id="batch-of-none"),
        pytest.param(document(stable=1, warmup={"golden": {"atol": 2}}), "warmup.golden.atol: ", id="atol-too-wide"),
        pytest.param(document(stable=1, siblings=[{"name": "a", "url": "x"}]), "siblings.0.url: ", id="sibling-url"),
    ],
)
def test_what_is_no_plan_is_refused_by_the_field(value: Any, complaint: str) -> None:
    with pytest.raises(InvalidPlan) as refused:
        parse(value)
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"{", None, id="unreadable"),
        pytest.param(b"{}", None, id="says-nothing"),
        pytest.param(b'{"id": 7}', None, id="no-string"),
        pytest.param(b'{"id": "abc"}', "abc", id="says-so"),
    ],
)
def test_the_id_that_a_refused_document_claims(text: bytes, expected: str | None) -> None:
    assert claimed_id(text) == expected


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param(document(stable=1), [(Role.STABLE, 1)], id="stable"),
        pytest.param(
            document(previous=1, canary=3, stable=2),
            [(Role.STABLE, 2), (Role.CANARY, 3), (Role.PREVIOUS, 1)],
            id="stable-first-previous-last",
        ),
        pytest.param(document(canary=artifact(2) | {"replicas": []}, stable=1), [(Role.STABLE, 1)], id="nobody-yet"),
        pytest.param(document(canary=artifact(2) | {"replicas": ["triton-0"]}), [(Role.CANARY, 2)], id="this-replica"),
        pytest.param(document(canary=artifact(2) | {"replicas": ["triton-1"]}), [], id="another-replica"),
    ],
)
def test_what_a_replica_shall_hold(plan: dict[str, Any], expected: list[tuple[Role, int]]) -> None:
    assert [(role, release.version) for role, release in parse(plan).wanted("triton-0")] == expected


def test_an_attempt_is_another_when_what_it_depends_on_changed() -> None:
    first = parse(document(stable=1, canary=2))
    canary = first.wanted("x")[1][1]
    widened = parse(document(stable=1, canary=artifact(2) | {"replicas": ["x", "y"]}, siblings=[]))
    slower = parse(document(stable=1, canary=2, load={"timeoutSeconds": 600}))
    moved = parse(document(stable=1, canary=artifact(2) | {"uri": "file:///elsewhere"}))
    assert widened.attempt(widened.wanted("x")[1][1]) == first.attempt(canary)
    assert slower.attempt(slower.wanted("x")[1][1]) != first.attempt(canary)
    assert moved.attempt(moved.wanted("x")[1][1]) != first.attempt(canary)
