"""compose.yaml keeps its containers as closed as the chart keeps its pods; what differs is named here."""

import asyncio
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from replica_agent.triton import Triton, TritonGone

from ci import compose_documents
from ci.stack.folders import ROOT
from ci.stack.processes import Process
from ci.stack.replica import TRITON_COMMAND
from tests.harness.chart.helm import containers, pod_templates, render
from tests.harness.chart.triton_command import BACKENDS, in_folder

Json = dict[str, Any]
SERVICES: Json = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
# A service, and the container that is the same in a pod.
SAME = {"api": "api", "agent": "agent", "triton": "triton", "bundles": "bundles"}
ADDRESS = "127.0.0.93"


@cache
def in_pods() -> dict[str, tuple[Json, Json]]:
    """Each container of the chart by its name, with its pod's spec."""
    objects = pod_templates(render(settings=["bundles.enabled=true"]))
    templates = [one for name, one in objects.items() if not name.startswith("Pod/")]
    return {one["name"]: (one, template["spec"]) for template in templates for one in containers(template)}


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_is_less_confined_than_a_pod(service: str) -> None:
    given = SERVICES[service]
    container, pod = in_pods()[SAME.get(service, "agent")]
    ids, security = pod["securityContext"], container["securityContext"]
    assert security == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }, "the chart asks for more now: so must compose.yaml"
    assert given["user"] == f"{ids['runAsUser']}:{ids['runAsGroup']}"
    assert given["read_only"] and given["cap_drop"] == ["ALL"]
    assert given["security_opt"] == ["no-new-privileges:true"] and not given.get("privileged")
    assert given["ulimits"] == {"core": 0}


def test_triton_has_the_options_that_it_has_in_a_pod() -> None:
    """Addresses and ports are those of one machine; its gRPC is in a network, and so restricted by the key as well."""
    container, _ = in_pods()["triton"]
    own = re.compile(r"--(http|grpc|metrics)-(address|port)=|--exit-timeout-secs=")
    options = {one for one in container["args"] if not own.match(one)}
    assert options == {one for one in SERVICES["triton"]["command"] if not own.match(one)}
    (closed,) = re.findall(r"--http-restricted-api=(\S+):medinfer-agent-key=", container["command"][2])
    script = SERVICES["triton"]["entrypoint"][2]
    for option in ("--http-restricted-api", "--grpc-restricted-protocol"):
        assert f'"{option}={closed}:medinfer-agent-key=$$key"' in script
    for shell in (script.replace("$$", "$"), container["command"][2]):
        assert "read -r id </proc/sys/kernel/random/uuid" in shell and '"--id=medinfer-$id"' in shell
    assert "ulimit -c 0;" in script and "ulimit -c 0;" in container["command"][2]


def test_who_may_write_is_who_may_in_a_pod() -> None:
    """And the key of Triton's control is where its agent and Triton are, and who made it."""
    mounts = {name: [one.split(":") for one in service.get("volumes", ())] for name, service in SERVICES.items()}
    writers = {(name, one[0]) for name, all_ in mounts.items() for one in all_ if one[2:] != ["ro"]}
    assert writers == {("agent", "data"), ("documents", "data"), ("documents", "control")}
    assert {name for name, all_ in mounts.items() if "control" in [one[0] for one in all_]} == {
        "agent",
        "triton",
        "documents",
    }
    data = {one["mountPath"]: one.get("readOnly", False) for one in in_pods()["triton"][0]["volumeMounts"]}
    assert data["/var/lib/medinfer"] is True


def test_the_key_is_made_once_and_is_its_readers_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    compose_documents.write_key(file)
    key = file.read_text()
    compose_documents.write_key(file)
    assert file.read_text() == key and re.fullmatch(r"[0-9a-f]{64}\n", key)
    assert file.stat().st_mode & 0o077 == 0


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Triton, started by compose.yaml's command."""
    folder = tmp_path_factory.mktemp("compose")
    (folder / "repository").mkdir()
    compose_documents.write_key(folder / "key")
    (folder / "tritonserver").symlink_to(TRITON_COMMAND)
    places = {
        "/run/medinfer-control": str(folder),
        "/var/lib/medinfer": str(folder),
        "/opt/tritonserver/backends": str(BACKENDS),
        "$$": "$",
    }
    command = [in_folder(one, folder) for one in SERVICES["triton"]["entrypoint"] + SERVICES["triton"]["command"]]
    for place, here in places.items():
        command = [one.replace(place, here) for one in command]
    command += [f"--{part}-address={ADDRESS}" for part in ("http", "grpc", "metrics")]
    environment = {"PATH": f"{folder}:/usr/bin:/bin"}
    with Process("triton", command, environment, folder / "triton.log") as process:
        process.wait_until_ready(f"http://{ADDRESS}:8000/v2/health/live", 120)
        yield (folder / "key").read_text().strip()


def test_nobody_but_the_agent_controls_triton(key: str) -> None:
    """Who published ports 8000 and 8001 could load and unload before."""

    async def index(given: str) -> None:
        triton = Triton(ADDRESS, given)
        try:
            await triton.index("resnet_medical")
        finally:
            await triton.close()

    for given in ("", "guess"):
        with pytest.raises(TritonGone, match="This protocol is restricted"):
            asyncio.run(index(given))
        headers = {"medinfer-agent-key": given}
        answer = httpx.post(f"http://{ADDRESS}:8000/v2/repository/index", headers=headers)
        assert answer.status_code == 403
    asyncio.run(index(key))
