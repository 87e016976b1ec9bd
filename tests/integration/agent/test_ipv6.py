"""Triton, agent and API with the addresses that the chart gives them for `bindAddress: "::"`, in a cluster of IPv6."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from ci.load.images import grey_jpeg
from ci.stack import documents
from ci.stack.api import Api
from ci.stack.documents import build_plan, build_routes
from ci.stack.processes import Process
from ci.stack.replica import ON_THIS_MACHINE, TRITON_COMMAND
from tests.harness.chart.helm import CHART, Json, containers, pod_templates, render
from tests.harness.chart.triton_command import in_folder, triton_command

pytestmark = pytest.mark.integration

# In a pod of its own the API has port 8002, which is that of Triton's metrics here. The agent's port is free at `::`
# only while no other test of this process has it on any address.
PORT, AGENT_PORT = 9002, 9080


def container(owner: str, name: str) -> Json:
    template = pod_templates(render(CHART / "ci" / "cpu-values.yaml", settings=["bindAddress=::"]))[owner]
    return next(one for one in containers(template) if one["name"] == name)


def variables(owner: str, name: str, *wanted: str) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container(owner, name)["env"] if one["name"] in wanted}


@pytest.fixture
def triton(tmp_path: Path) -> Iterator[Process]:
    (tmp_path / "repository").mkdir()
    (tmp_path / "tritonserver").symlink_to(TRITON_COMMAND)
    arguments = container("StatefulSet/medinfer-triton", "triton")["args"]
    here = [in_folder(one, tmp_path).replace("/var/lib/medinfer", str(tmp_path)) for one in arguments]
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    with Process("triton", [*triton_command(tmp_path), *here], environment, tmp_path / "triton.log") as process:
        process.wait_until_ready("http://[::1]:8000/v2/health/live", 60)
        yield process


@pytest.fixture
def agent(triton: Process, bundles: Path, tmp_path: Path) -> Iterator[Process]:
    """It proves version 1."""
    plan = tmp_path / "plan.json"
    documents.write(build_plan(bundles / "resnet_medical-1.tar"), plan)
    settings = {"REPLICA": "a", "PLAN_FILE": str(plan), "DATA_DIR": str(tmp_path), "INSTANCE_KIND": "KIND_CPU"}
    named = {f"MEDINFER_AGENT_{key}": value for key, value in (settings | ON_THIS_MACHINE).items()}
    of_chart = ("MEDINFER_AGENT_ADDRESS", "MEDINFER_AGENT_TRITON_ADDRESS")
    environment = named | variables("StatefulSet/medinfer-triton", "agent", *of_chart)
    environment["MEDINFER_AGENT_PORT"] = str(AGENT_PORT)
    with Process("agent", [sys.executable, "-m", "replica_agent"], environment, tmp_path / "agent.log") as process:
        process.wait_until_ready(f"http://[::1]:{AGENT_PORT}/ready", 60)
        yield process


def test_a_request_is_answered(agent: Process, bundles: Path, tmp_path: Path) -> None:
    bound = variables("Deployment/medinfer-api", "api", "MEDINFER_API_BIND", "MEDINFER_API_INNER_BIND")
    assert set(bound.values()) == {"[::]:8002", "[::]:8003"}
    api = Api("api", f"[::]:{PORT}", tmp_path, environment={"AGENT_PORT": str(AGENT_PORT)})
    api.follow(build_routes([("a", "http://[::1]:8000", [1])], bundles / "resnet_medical-1.tar"))
    with ExitStack() as stack:
        stack.enter_context(api)
        api.wait_until_ready(f"http://[::1]:{PORT + 1}/ready", 60)
        answered = httpx.post(f"http://[::1]:{PORT}/predict", files={"image": grey_jpeg()}, timeout=30)
        assert (answered.status_code, answered.json()["model_version"]) == (200, 1)
        assert httpx.get(f"http://127.0.0.1:{PORT}/status").status_code == 200, "where both families are"
        assert httpx.get("http://[::1]:8002/metrics").status_code == 200, "of Triton"
