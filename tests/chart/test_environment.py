"""What the chart starts is what the parts know: their own settings read its variables, and Triton's arguments agree."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from inference_api import settings as api_settings
from replica_agent import settings as agent_settings
from replica_agent.server_id import unique_server_id
from replica_agent.supervise import RESTRICTED_APIS, RESTRICTED_HEADER, triton_arguments
from rollout_operator import settings as operator_settings

from ci.stack.folders import ROOT
from ci.stack.jaeger import triton_arguments as traced_arguments
from tests.harness.chart.helm import CHART, SHAPES, Json, containers, of_kind, pod_templates, render
from tests.harness.chart.triton_command import BACKENDS, triton_command

shapes = pytest.mark.parametrize("shape", [pytest.param(path, id=path.stem) for path in SHAPES])
READERS: dict[tuple[str, str], Any] = {
    ("Deployment/medinfer-api", "api"): api_settings,
    ("StatefulSet/medinfer-triton", "agent"): agent_settings,
    ("Deployment/medinfer-rollout-operator", "operator"): operator_settings,
}
# What the kubelet fills in.
FIELDS = {"metadata.namespace": "clinic", "metadata.name": "pod-0"}


# What everything-values.yaml adds as extraEnv.
EXTRA = {"TZ", "AWS_REGION"}


@shapes
@pytest.mark.parametrize("part", [pytest.param(part, id=part[1]) for part in READERS])
def test_every_variable_is_known_and_valid(
    shape: Path, part: tuple[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reader = READERS[part]
    given = {name: value for name, value in environment(container(render(shape), *part)).items() if name not in EXTRA}
    assert {name for name in given if name.startswith("MEDINFER_")} == given.keys()
    assert {name.removeprefix(reader.PREFIX).lower() for name in given} <= reader.Settings.model_fields.keys()
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    reader.read_settings()


def test_parts_name_the_same_things() -> None:
    """The operator derives the ConfigMaps' names from tritonRef and apiRef; each is mounted where it is read."""
    objects = render(CHART / "ci" / "cpu-values.yaml")
    api = environment(container(objects, "Deployment/medinfer-api", "api"))
    agent = environment(container(objects, "StatefulSet/medinfer-triton", "agent"))
    rollout = next(one for one in objects if one["kind"] == "ModelRollout")["spec"]
    names = {one["metadata"]["name"] for one in objects if one["kind"] == "ConfigMap"}
    assert agent["MEDINFER_AGENT_PLAN_CONFIGMAP"] == f"{rollout['tritonRef']['name']}-plan"
    assert api["MEDINFER_API_ROUTES_CONFIGMAP"] == f"{rollout['apiRef']['name']}-routes"
    assert names == {"medinfer-triton-plan", "medinfer-api-routes", "medinfer-test"}
    assert (
        mounted_config_map(objects, "StatefulSet/medinfer-triton", agent["MEDINFER_AGENT_PLAN_FILE"])
        == (agent["MEDINFER_AGENT_PLAN_CONFIGMAP"])
    )
    assert (
        mounted_config_map(objects, "Deployment/medinfer-api", api["MEDINFER_API_ROUTES_FILE"])
        == (api["MEDINFER_API_ROUTES_CONFIGMAP"])
    )


def test_the_signers_are_mounted_where_they_are_read() -> None:
    objects = render(CHART / "ci" / "everything-values.yaml")
    agent = environment(container(objects, "StatefulSet/medinfer-triton", "agent"))
    assert agent["MEDINFER_AGENT_VERIFICATION"] == "enforce"
    listed = mounted_config_map(objects, "StatefulSet/medinfer-triton", agent["MEDINFER_AGENT_SIGNERS_FILE"])
    assert listed == "bundle-signers"


def test_the_access_document_is_mounted_where_it_is_read() -> None:
    """As a folder: the kubelet never updates a single file."""
    objects = render(CHART / "ci" / "everything-values.yaml")
    file = environment(container(objects, "Deployment/medinfer-api", "api"))["MEDINFER_API_ACCESS_FILE"]
    spec = pod_templates(objects)["Deployment/medinfer-api"]["spec"]
    mount = next(one for one in spec["containers"][0]["volumeMounts"] if one["mountPath"] == str(Path(file).parent))
    assert "subPath" not in mount and mount["readOnly"]
    secret = next(one["secret"] for one in spec["volumes"] if one["name"] == mount["name"])
    assert secret["secretName"] == "medinfer-access"
    assert secret["items"] == [{"key": Path(file).name, "path": Path(file).name}]


@pytest.mark.parametrize(
    ("owner", "name", "variable"),
    [
        pytest.param("StatefulSet/medinfer-triton", "agent", "MEDINFER_AGENT_CA_FILE", id="stores"),
        pytest.param("Deployment/medinfer-rollout-operator", "operator", "MEDINFER_OPERATOR_CA_FILE", id="webhooks"),
        pytest.param("Deployment/medinfer-api", "api", "MEDINFER_API_CA_FILE", id="issuers"),
    ],
)
def test_the_same_authorities_are_mounted_for_all_that_ask_outside(owner: str, name: str, variable: str) -> None:
    objects = render(CHART / "ci" / "everything-values.yaml")
    file = environment(container(objects, owner, name))[variable]
    assert Path(file).name == "ca.crt" and mounted_config_map(objects, owner, file) == "hospital-authorities"


def test_the_webhooks_secret_is_mounted_where_it_is_read() -> None:
    objects, owner = render(CHART / "ci" / "everything-values.yaml"), "Deployment/medinfer-rollout-operator"
    folder = environment(container(objects, owner, "operator"))["MEDINFER_OPERATOR_WEBHOOK_FOLDER"]
    spec = pod_templates(objects)[owner]["spec"]
    mount = next(one for one in spec["containers"][0]["volumeMounts"] if one["mountPath"] == folder)
    secret = next(one["secret"] for one in spec["volumes"] if one["name"] == mount["name"])
    assert "subPath" not in mount and secret["secretName"] == "platform-webhook"
    assert {one["key"]: one["path"] for one in secret["items"]} == {"url": "url", "key": "key"}


GATEWAY = ["api.gateway.enabled=true", "api.gateway.parentRefs[0].name=public"]


@pytest.mark.parametrize(
    ("values", "hosts"),
    [
        pytest.param([], None, id="any-host-by-default"),
        pytest.param(["api.ingress.enabled=true"], None, id="an-ingress-for-any-host"),
        pytest.param(
            ["api.ingress.enabled=true", "api.ingress.host=a.example"], ["a.example"], id="host-of-the-ingress"
        ),
        pytest.param(["api.allowedHosts={b.example}"], ["b.example"], id="named-ones"),
        pytest.param([*GATEWAY, "api.gateway.hostnames={c.example}"], ["c.example"], id="hosts-of-the-gateway"),
        pytest.param(GATEWAY, None, id="a-gateway-for-any-host"),
        pytest.param(
            [*GATEWAY, "api.ingress.enabled=true", "api.ingress.host=a.example"], None, id="one-of-both-for-any-host"
        ),
    ],
)
def test_the_api_answers_for_the_hosts_of_ingress_and_services(values: list[str], hosts: list[str] | None) -> None:
    objects = render(
        CHART / "ci" / "cpu-values.yaml", settings=[*values, "api.auth.allowAnonymous=true"], namespace="clinic"
    )
    given = environment(container(objects, "Deployment/medinfer-api", "api")).get("MEDINFER_API_ALLOWED_HOSTS")
    service = [f"medinfer-api{suffix}" for suffix in ("", ".clinic", ".clinic.svc", ".clinic.svc.cluster.local")]
    assert given == (None if hosts is None else ",".join([*hosts, *service]))


@shapes
def test_the_operator_finds_triton_by_its_stateful_set(shape: Path) -> None:
    """The operator sees by the container's name which one restarted; the headless Service gives the pods DNS names."""
    objects = render(shape)
    server = next(one for one in objects if one["kind"] == "StatefulSet")
    service = next(one for one in objects if one["metadata"]["name"] == server["spec"]["serviceName"])
    assert [one["name"] for one in server["spec"]["template"]["spec"]["containers"]] == ["triton"]
    assert service["spec"]["clusterIP"] == "None" and service["spec"]["publishNotReadyAddresses"] is True
    assert server["spec"]["podManagementPolicy"] == "Parallel"


@shapes
def test_triton_is_started_as_the_agent_would_start_it(shape: Path, tmp_path: Path) -> None:
    triton = container(render(shape), "StatefulSet/medinfer-triton", "triton")
    agent = environment(container(render(shape), "StatefulSet/medinfer-triton", "agent"))
    loopback = agent.get("MEDINFER_AGENT_TRITON_ADDRESS", "127.0.0.1")
    settings = agent_settings.Settings(
        plan_file=tmp_path / "plan.json", data_dir=tmp_path, restricted_key="k", triton_address=loopback
    )
    expected = dict(option(one) for one in triton_arguments(settings, Path("/var/lib/medinfer/repository")))
    given = dict(option(one) for one in triton["args"] if not one.startswith("--trace-config="))
    key = expected.pop("--http-restricted-api")
    differing = {name for name in expected if given.get(name) != expected[name]}
    assert differing == {"--http-address", "--metrics-address", "--exit-timeout-secs"}  # gRPC stays on loopback
    assert given.pop("--backend-directory") == "/tmp/backends"
    assert given.keys() == expected.keys()
    assert key == f"{RESTRICTED_APIS}:{RESTRICTED_HEADER}=k"
    assert f"--http-restricted-api={RESTRICTED_APIS}:{RESTRICTED_HEADER}=$key" in triton["command"][2]


@pytest.mark.parametrize(
    "in_image, linked",
    [
        pytest.param(["onnxruntime/lib.so", "python/lib.so", "pytorch/lib.so"], {"onnxruntime"}, id="NVIDIA's"),
        pytest.param(["onnxruntime/model.py", "python/lib.so"], {"onnxruntime", "python"}, id="ours, for CPUs"),
    ],
)
def test_triton_sees_no_backend_but_onnx_runtime(tmp_path: Path, in_image: list[str], linked: set[str]) -> None:
    for file in in_image:
        (tmp_path / "image" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "image" / file).touch()
    for _ in range(2):  # the second time in the same pod
        said = start_triton(tmp_path, f'cd "{tmp_path}/backends" && ls', backends=tmp_path / "image")
        assert set(said.split()) == linked


TRACED = ["tracing.enabled=true", "tracing.endpoint=http://collector:4318/"]


@pytest.mark.parametrize(
    ("values", "is_traced"),
    [
        pytest.param([], False, id="off"),
        pytest.param(TRACED, True, id="on"),
        pytest.param([*TRACED, "tracing.triton=false", "triton.image=own/triton:mine"], False, id="the API alone"),
    ],
)
def test_triton_sends_its_spans_as_it_does_in_the_tests(values: list[str], is_traced: bool) -> None:
    triton = container(render(settings=values), "StatefulSet/medinfer-triton", "triton")
    given = {one for one in triton["args"] if one.startswith("--trace-config=")}
    tried = {one for one in traced_arguments("http://collector:4318") if "bsp_schedule_delay" not in one}
    assert given == (tried if is_traced else set())


def test_every_part_sends_to_the_collector() -> None:
    objects = render(
        settings=[*TRACED, "tracing.triton=false", "networkPolicy.collectorPeers[0].podSelector.matchLabels.a=b"]
    )
    for part, reader in READERS.items():
        assert environment(container(objects, *part))[f"{reader.PREFIX}TRACING_ENDPOINT"] == "http://collector:4318"
    for name in ("medinfer-api", "medinfer-triton", "medinfer-rollout-operator"):
        rules = of_kind(objects, "NetworkPolicy")[name]["spec"]["egress"]
        assert [rule["to"] for rule in rules if {"protocol": "TCP", "port": 4318} in rule["ports"]] == [
            [{"podSelector": {"matchLabels": {"a": "b"}}}]
        ]


def test_the_workers_of_all_pods_share_what_is_traced_a_second() -> None:
    values = [*TRACED, "api.workers=2", "api.resources.limits.memory=2Gi"]
    api = container(render(settings=values), "Deployment/medinfer-api", "api")
    assert environment(api)["MEDINFER_API_TRACING_MAX_PER_SECOND"] == "2"  # 50 / (10 pods x 2 workers)


def test_each_start_of_triton_has_a_key_and_a_server_id_of_its_own(tmp_path: Path) -> None:
    """API pods tell by the id a Triton that restarted from the one in which a version was proved."""
    said = [start_triton(tmp_path, 'printf "%s\\n" "$@"', "--a=b c").splitlines() for _ in range(2)]
    (first, id, key), (_, other_id, other_key) = said
    assert first == "--a=b c" and len(key.rpartition("=")[2]) == 36 and key != other_key
    assert unique_server_id(id.removeprefix("--id=")) and id != other_id


@pytest.mark.parametrize(
    "left",
    [
        pytest.param([], id="nothing, as in a new pod"),
        # Seen: each kill of a Triton that is process 1 left some 40 MB under load, as its guard dies with it.
        pytest.param(["triton_onnxruntime_backend_shm_region_1", "sem.two words"], id="what a killed Triton shared"),
    ],
)
def test_triton_starts_with_its_shared_memory_empty(tmp_path: Path, left: list[str]) -> None:
    memory = tmp_path / "shm"
    memory.mkdir()
    for name in left:
        (memory / name).touch()
    assert start_triton(tmp_path, f'echo started; ls "{memory}"') == "started\n"


def test_a_triton_that_crashes_leaves_no_core_dump(tmp_path: Path) -> None:
    assert start_triton(tmp_path, "ulimit -Sc; ulimit -Hc") == "0\n0\n"


def test_commands_name_modules_and_files_that_exist() -> None:
    objects = render()
    commands = {name: container(objects, owner, name)["command"] for owner, name in READERS}
    assert commands["api"] == ["gunicorn", "-c", "/opt/medinfer/gunicorn.conf.py", "inference_api.main:create()"]
    assert (ROOT / "services/api/gunicorn.conf.py").exists()
    pre_stop = container(objects, "Deployment/medinfer-api", "api")["lifecycle"]["preStop"]["exec"]["command"]
    for command in (commands["agent"], commands["operator"], pre_stop):
        assert command[:2] == ["python", "-m"]
        subprocess.run([sys.executable, "-c", f"import {command[2]}"], check=True)


def start_triton(folder: Path, tritonserver: str, *arguments: str, backends: Path = BACKENDS) -> str:
    """Return the output of the chart's command with a script as tritonserver and `folder`/shm as /dev/shm.

    `backends` are those of the image.
    """
    fake = folder / "tritonserver"
    fake.write_text(f"#!/bin/sh\n{tritonserver}\n")
    fake.chmod(0o755)
    command = [one.replace(str(BACKENDS), str(backends)) for one in triton_command(folder)] + list(arguments)
    environment = {"PATH": f"{folder}:/usr/bin:/bin"}
    return subprocess.run(command, env=environment, capture_output=True, check=True).stdout.decode()


def option(argument: str) -> tuple[str, str]:
    name, _, value = argument.partition("=")
    return name, value


def container(objects: list[Json], owner: str, name: str) -> Json:
    return next(one for one in containers(pod_templates(objects)[owner]) if one["name"] == name)


def environment(container: Json) -> dict[str, str]:
    return {one["name"]: one["value"] if "value" in one else FIELDS[field(one)] for one in container["env"]}


def field(variable: Json) -> str:
    return str(variable["valueFrom"]["fieldRef"]["fieldPath"])


def mounted_config_map(objects: list[Json], owner: str, file: str) -> str:
    spec = pod_templates(objects)[owner]["spec"]
    mounts = [one for each in containers({"spec": spec}) for one in each["volumeMounts"]]
    volume = next(one["name"] for one in mounts if one["mountPath"] == str(Path(file).parent))
    return str(next(one["configMap"]["name"] for one in spec["volumes"] if one["name"] == volume))
