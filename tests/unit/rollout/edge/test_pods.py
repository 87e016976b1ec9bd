"""Pods as the API server describes them."""

from typing import Any

import pytest
from rollout_operator.documents.container_end import ContainerEnd
from rollout_operator.edge.pods import PodRecord, read_pod

NOON = 1_767_268_800  # 2026-01-01T12:00:00Z
METADATA = {"name": "triton-0", "namespace": "medinfer", "uid": "u0", "creationTimestamp": "2026-01-01T12:00:00Z"}
READY = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T12:00:09Z"}


def pod(status: dict[str, Any] | None = None, **metadata: Any) -> PodRecord:
    return read_pod({"metadata": METADATA | metadata, "status": status})


def not_ready(**changes: Any) -> dict[str, Any]:
    return {"conditions": [{"type": "PodScheduled", "status": "True"}, READY | {"status": "False"} | changes]}


@pytest.mark.parametrize(
    ("status", "since"),
    [
        pytest.param({"conditions": [READY]}, None, id="ready"),
        pytest.param(not_ready(), NOON + 9, id="not-ready-since-its-last-transition"),
        pytest.param(not_ready(status="Unknown"), NOON + 9, id="its-node-is-silent"),
        pytest.param(not_ready(lastTransitionTime=None), NOON, id="without-a-time-since-it-was-created"),
        pytest.param(not_ready(lastTransitionTime="2026-01-01T13:00:09+01:00"), NOON + 9, id="another-zone"),
        pytest.param({"conditions": []}, NOON, id="no-condition-yet"),
        pytest.param({}, NOON, id="an-empty-status"),
        pytest.param(None, NOON, id="no-status"),
    ],
)
def test_ready_or_since_when_not(status: dict[str, Any] | None, since: float | None) -> None:
    assert pod(status).not_ready_since == since


def test_a_pod_of_which_nothing_but_the_name_is_known_counts_as_gone() -> None:
    found = read_pod({"metadata": {"name": "triton-0"}})
    assert found == PodRecord("", "triton-0", "", (), not_ready_since=0.0)


@pytest.mark.parametrize(
    ("phase", "ended"),
    [("Pending", False), ("Running", False), ("Unknown", False), ("Succeeded", True), ("Failed", True)],
)
def test_a_pod_that_ended(phase: str, ended: bool) -> None:
    assert pod({"phase": phase}).ended is ended


def test_a_terminating_pod_still_runs() -> None:
    found = pod({"phase": "Running", "podIP": "10.0.0.7"}, deletionTimestamp="2026-01-01T12:00:00Z")
    assert (found.terminating, found.ended, found.ip) == (True, False, "10.0.0.7")


def test_a_pod_without_a_network_has_no_address() -> None:
    assert pod({"phase": "Pending"}).ip == "" and not pod().terminating


@pytest.mark.parametrize(
    ("container", "instance"),
    [
        pytest.param({"containerID": "c1", "state": {"running": {}}}, "u0/c1", id="runs"),
        pytest.param({"containerID": "c1", "state": {"waiting": {}}}, "", id="waits-to-start-again"),
        pytest.param({"containerID": "c1", "state": {"terminated": {}}}, "", id="ended"),
        pytest.param({"containerID": None, "state": {"running": {}}}, "", id="runs-without-an-id"),
        pytest.param({"containerID": "c1"}, "", id="no-state"),
        pytest.param({"name": "agent", "containerID": "c1", "state": {"running": {}}}, "", id="another-container"),
    ],
)
def test_the_instance_is_the_running_triton(container: dict[str, Any], instance: str) -> None:
    agent = {"name": "agent", "containerID": "a1", "state": {"running": {}}}
    assert pod({"containerStatuses": [agent, {"name": "triton"} | container]}).instance == instance


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        ({"app": "triton"}, True),
        ({"app": "triton", "zone": "a"}, True),
        ({"app": "api"}, False),
        ({"app": "triton", "zone": "b"}, False),
        ({"app": "triton", "more": "x"}, False),
    ],
)
def test_a_selector_is_met_when_every_label_is(selector: dict[str, str], matches: bool) -> None:
    assert pod(labels={"zone": "a", "app": "triton"}).matches(selector) is matches


@pytest.mark.parametrize(
    ("terminated", "end"),
    [
        pytest.param(None, ContainerEnd.UNKNOWN, id="never"),
        pytest.param({"exitCode": 137, "reason": "Error"}, ContainerEnd.KILLED, id="sigkill"),
        pytest.param({"exitCode": 0, "signal": 9, "reason": "Error"}, ContainerEnd.KILLED, id="sigkill-as-a-signal"),
        pytest.param({"exitCode": 137, "reason": "OOMKilled"}, ContainerEnd.OTHER, id="out-of-memory"),
        pytest.param({"exitCode": 139, "reason": "Error"}, ContainerEnd.OTHER, id="segmentation-fault"),
        pytest.param({"exitCode": 134, "reason": "Error"}, ContainerEnd.OTHER, id="abort"),
        pytest.param({"exitCode": 143, "reason": "Error"}, ContainerEnd.STOPPED, id="sigterm"),
        pytest.param({"exitCode": 0, "signal": 15, "reason": "Error"}, ContainerEnd.STOPPED, id="sigterm-as-a-signal"),
        pytest.param({"exitCode": 0, "reason": "Completed"}, ContainerEnd.STOPPED, id="in-order-as-on-sigterm"),
        pytest.param({"exitCode": 0, "signal": 11, "reason": "Error"}, ContainerEnd.OTHER, id="another-signal"),
        pytest.param(
            {"exitCode": 0, "reason": "Completed", "message": "a backend crashed"},
            ContainerEnd.OTHER,
            id="says-it-crashed",
        ),
        pytest.param({"exitCode": 1, "reason": "Error"}, ContainerEnd.OTHER, id="with-an-error"),
        pytest.param({}, ContainerEnd.UNKNOWN, id="an-empty-object"),
    ],
)
def test_how_triton_ended(terminated: dict[str, Any] | None, end: ContainerEnd) -> None:
    runs_again = {"name": "triton", "state": {"running": {}}, "lastState": {"terminated": terminated}}
    waits = {"name": "triton", "state": {"terminated": terminated}, "lastState": {"terminated": {"exitCode": 1}}}
    assert pod({"containerStatuses": [runs_again]}).triton_end is end
    assert pod({"containerStatuses": [waits]}).triton_end is (end or ContainerEnd.OTHER)
    assert pod({"containerStatuses": [runs_again | {"name": "agent"}]}).triton_end is ContainerEnd.UNKNOWN
