"""Nobody but the agent controls its Triton, and nobody controls the agent."""

import hashlib
import json

import httpx
import pytest

from ci.stack.replica import Replica
from tests.harness.core_limits import NONE, core_limits
from tests.integration.agent.observe import index, ready, status

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    "path",
    [
        "/v2/repository/index",
        "/v2/repository/models/resnet_medical/load",
        "/v2/repository/models/resnet_medical/unload",
        "/v2/models/resnet_medical/config",
        "/v2/models/resnet_medical/stats",
        "/v2/models/resnet_medical/trace/setting",
        "/v2/logging",
        "/v2/systemsharedmemory/status",
    ],
)
def test_tritons_http_control_is_closed_without_the_key(shared_replica: Replica, path: str) -> None:
    method = "POST" if "repository" in path else "GET"
    for headers in ({}, {"medinfer-agent-key": "guess"}):
        assert httpx.request(method, shared_replica.url + path, headers=headers).status_code == 403
    assert index(shared_replica) == {1: "READY"}


def test_neither_the_agent_nor_triton_leaves_a_core_dump(shared_replica: Replica) -> None:
    limits = core_limits([shared_replica.pid])
    assert "tritonserver" in {name.split()[1] for name in limits} and len(limits) > 2, limits
    assert set(limits.values()) == {NONE}, limits


def test_inference_and_health_stay_open(shared_replica: Replica) -> None:
    for path in ("/v2/health/live", "/v2/models/resnet_medical/versions/1/ready"):
        assert httpx.get(shared_replica.url + path).status_code == 200


@pytest.mark.parametrize("path", ["/state", "/ready", "/versions/1", "/health", "/metrics", "/bundles/x", "/"])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_the_agent_takes_no_commands(shared_replica: Replica, method: str, path: str) -> None:
    assert httpx.request(method, shared_replica.agent_url + path, content=b"{}").status_code in (404, 405)
    assert ready(shared_replica)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/versions/2", id="not-loaded"),
        pytest.param("/versions/01", id="not-a-version"),
        pytest.param("/versions/1%00", id="nul"),
        pytest.param("/bundles/sha256:" + "0" * 64, id="unknown-digest"),
        pytest.param("/bundles/..%2f..%2fplan.json", id="traversal"),
        pytest.param("/bundles/sha256:..%2fplan", id="traversal-in-digest"),
    ],
)
def test_what_is_not_here(shared_replica: Replica, path: str) -> None:
    assert status(shared_replica, path) == 404


def test_the_bundle_it_serves_is_the_one_it_names(shared_replica: Replica) -> None:
    digest = shared_replica.state()["versions"][0]["digest"]
    body = httpx.get(f"{shared_replica.agent_url}/bundles/{digest}").content
    assert "sha256:" + hashlib.sha256(body).hexdigest() == digest


def test_metrics_tell_states_and_counts(shared_replica: Replica) -> None:
    text = httpx.get(f"{shared_replica.agent_url}/metrics").text
    for line in (
        'medinfer_agent_version_state{role="stable",state="Warm",version="1"} 1.0',
        'medinfer_agent_golden_checks_total{result="matched"} 1.0',
        "medinfer_agent_load_seconds_count 1.0",
        "medinfer_agent_warmup_seconds_count 1.0",
        "medinfer_agent_triton_restarts_total 0.0",
    ):
        assert line in text.splitlines()
    assert "medinfer_agent_fetch_bytes_total 40960.0" in text


def test_the_log_is_json_with_one_line_for_each_transition(shared_replica: Replica) -> None:
    lines = [json.loads(line) for line in shared_replica.log.read_text().splitlines() if line.startswith('{"time"')]
    states = [line["state"] for line in lines if line["message"] == "version"]
    assert states == list(dict.fromkeys(states)) and states[-1] == "Warm"
