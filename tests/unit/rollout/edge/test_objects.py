"""The objects as they are written."""

import copy
import json
from typing import Any

import pytest
from rollout_operator.decide.situation import Event
from rollout_operator.documents.plan import Plan, PlanLoad, parse_plan
from rollout_operator.documents.spec import Warmup
from rollout_operator.edge.objects import (
    PLAN_KEY,
    api_name,
    build_event,
    read_data,
    triton_name,
    with_document,
    with_status,
    with_writer,
)

from tests.unit.rollout.edge.api_server import rollout_spec

PLAN = Plan("resnet_medical", PlanLoad(300), Warmup(), revision=7)
BEFORE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {
        "name": "p",
        "namespace": "medinfer",
        "resourceVersion": "41",
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "medinfer"},
    },
    "data": {"notes": "mine", PLAN_KEY: "{}"},
    "binaryData": {"more": "AA=="},
}
ROLLOUT: dict[str, Any] = {
    "metadata": {
        "name": "resnet-medical",
        "namespace": "medinfer",
        "uid": "u1",
        "resourceVersion": "9",
        "labels": {"team": "radiology"},
        "managedFields": [{}],
    },
    "spec": rollout_spec(),
    "status": {"phase": "Pending"},
}


def test_a_document_replaces_nothing_but_itself() -> None:
    untouched = copy.deepcopy(BEFORE)
    written = with_document("p", PLAN_KEY, PLAN, BEFORE, "operator-0")
    assert parse_plan(written["data"].pop(PLAN_KEY)) == PLAN
    assert written["data"] == {"notes": "mine"} and written["binaryData"] == BEFORE["binaryData"]
    annotations = BEFORE["metadata"]["annotations"] | {"serving.medinfer.io/writer": "operator-0"}
    assert written["metadata"] == BEFORE["metadata"] | {"annotations": annotations}
    assert untouched == BEFORE


def test_a_document_that_is_not_there_is_made_without_a_version() -> None:
    written = with_document("p", PLAN_KEY, PLAN, None, "operator-0")
    assert (written["kind"], written["metadata"]["name"]) == ("ConfigMap", "p")
    assert written["metadata"]["labels"] == {"app.kubernetes.io/part-of": "medinfer"}
    assert "resourceVersion" not in written["metadata"]
    assert json.loads(written["data"][PLAN_KEY])["revision"] == 7


def test_data_that_is_null_is_as_none() -> None:
    written = with_document("p", PLAN_KEY, PLAN, BEFORE | {"data": None}, "operator-0")
    assert list(written["data"]) == [PLAN_KEY]


def test_a_new_writer_changes_the_object_and_not_its_content() -> None:
    written = with_writer(BEFORE, "operator-1")
    assert written["data"] == BEFORE["data"] and written["metadata"]["resourceVersion"] == "41"
    assert written["metadata"]["annotations"]["serving.medinfer.io/writer"] == "operator-1"


@pytest.mark.parametrize("config_map", [None, {}, {"data": None}, {"data": {}}, {"data": {PLAN_KEY: ""}}])
def test_content_that_is_not_there_reads_as_empty(config_map: dict[str, Any] | None) -> None:
    assert read_data(config_map, PLAN_KEY) == ""


def test_a_status_carries_what_the_api_server_needs_to_judge_it() -> None:
    written = with_status(ROLLOUT, {"phase": "Healthy"})
    assert (written["apiVersion"], written["kind"]) == ("serving.medinfer.io/v1alpha1", "ModelRollout")
    assert written["status"] == {"phase": "Healthy"} and written["spec"] == ROLLOUT["spec"]
    assert set(written["metadata"]) == {"name", "namespace", "uid", "resourceVersion"}


@pytest.mark.parametrize(
    ("spec", "names"),
    [
        pytest.param(rollout_spec(), ("medinfer-triton", "medinfer-api"), id="as-it-should-be"),
        pytest.param({}, ("", ""), id="none"),
        pytest.param(None, ("", ""), id="no-spec"),
        pytest.param({"tritonRef": {"name": "a/b"}, "apiRef": {"name": ".."}}, ("", ""), id="a-path"),
        pytest.param({"tritonRef": {"name": "Big"}, "apiRef": {"name": "a?x=1"}}, ("", ""), id="no-object-names"),
        pytest.param({"tritonRef": {"name": "x" * 254}, "apiRef": {"name": "x" * 253}}, ("", "x" * 253), id="long"),
    ],
)
def test_references_name_what_can_exist(spec: Any, names: tuple[str, str]) -> None:
    assert (triton_name({"spec": spec}), api_name({"spec": spec})) == names


def test_an_event_says_what_happened_to_which_object() -> None:
    event = build_event(ROLLOUT, Event("Promoted", "v2 serves"), 1_767_268_800 * 10**9 + 1, "operator-0")
    assert event["metadata"] == {"name": f"resnet-medical.{1_767_268_800 * 10**9 + 1:x}", "namespace": "medinfer"}
    assert event["involvedObject"]["uid"] == "u1"
    assert (event["type"], event["reason"], event["message"]) == ("Normal", "Promoted", "v2 serves")
    assert event["firstTimestamp"] == event["lastTimestamp"] == "2026-01-01T12:00:00Z"
    assert event["reportingInstance"] == "operator-0"


def test_a_warning_and_what_is_too_long() -> None:
    rollout = ROLLOUT | {"metadata": ROLLOUT["metadata"] | {"name": "x" * 199 + "." + "y" * 50}}
    event = build_event(rollout, Event("RolledBack", "m" * 2000, warning=True), 0, "o" * 300)
    assert event["type"] == "Warning"
    assert (len(event["message"]), len(event["reportingInstance"])) == (1024, 128)
    assert event["metadata"]["name"] == "x" * 199 + ".0"  # a name may not end in a dot before its own
    assert event["involvedObject"]["name"] == rollout["metadata"]["name"]
