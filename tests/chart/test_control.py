"""The real Triton, started with the chart's command: only its agent can do more than request inference."""

import shutil
from collections.abc import Iterator

import httpx
import pytest
import tritonclient.grpc as grpcclient

from ci.stack.processes import Process
from ci.stack.replica import TRITON_COMMAND
from tests.harness.chart.helm import CHART, pod_templates, render
from tests.harness.chart.triton_command import in_folder, triton_command

ADDRESS = "127.0.0.92"
URL = f"http://{ADDRESS}:8000/v2"
KEYS = [{}, {"medinfer-agent-key": ""}, {"medinfer-agent-key": "$key"}]


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("triton")
    (folder / "repository/loading/1").mkdir(parents=True)
    shutil.copyfile(CHART / "files/loading/1.onnx", folder / "repository/loading/1/model.onnx")
    shutil.copyfile(CHART / "files/loading/config.pbtxt", folder / "repository/loading/config.pbtxt")
    (folder / "tritonserver").symlink_to(TRITON_COMMAND)
    template = pod_templates(render())["StatefulSet/medinfer-triton"]
    container = template["spec"]["containers"][0]
    arguments = [
        in_folder(one, folder)
        .replace("0.0.0.0", ADDRESS)
        .replace("127.0.0.1", ADDRESS)
        .replace("/var/lib/medinfer", str(folder))
        for one in container["args"]
    ]
    environment = {"PATH": f"{folder}:/usr/bin:/bin"}
    command = [*triton_command(folder), *arguments]
    with Process("triton", command, environment, folder / "triton.log") as process:
        process.wait_until_ready(f"{URL}/health/live", 60)
        yield


@pytest.mark.parametrize("key", KEYS, ids=["no-key", "an-empty-key", "the-variables-name"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "repository/index"),
        ("POST", "repository/models/resnet_medical/load"),
        ("POST", "repository/models/resnet_medical/unload"),
        ("GET", "models/resnet_medical/config"),
        ("GET", "models/stats"),
        ("GET", "systemsharedmemory/status"),
        ("GET", "trace/setting"),
        ("GET", "logging"),
    ],
)
def test_a_neighbour_is_refused(triton: None, method: str, path: str, key: dict[str, str]) -> None:
    assert httpx.request(method, f"{URL}/{path}", headers=key).status_code == 403


@pytest.mark.parametrize("path", ["health/live", "health/ready"])
def test_probes_and_inference_need_no_key(triton: None, path: str) -> None:
    assert httpx.get(f"{URL}/{path}").status_code == 200
    assert httpx.post(f"{URL}/models/resnet_medical/versions/1/infer", content=b"{}").status_code in (400, 404)


def test_nothing_is_loaded_at_the_start(triton: None) -> None:
    assert httpx.get(f"{URL}/models/resnet_medical/versions/1/ready").status_code == 400


def test_a_model_loads_with_the_one_backend_that_triton_sees(triton: None) -> None:
    with grpcclient.InferenceServerClient(f"{ADDRESS}:8001") as client:
        client.load_model("loading")
        assert client.is_model_ready("loading", "1")


def test_the_repository_is_read_only_to_triton() -> None:
    spec = pod_templates(render())["StatefulSet/medinfer-triton"]["spec"]
    mounts = {mount["mountPath"]: mount for mount in spec["containers"][0]["volumeMounts"]}
    assert mounts["/var/lib/medinfer"]["readOnly"] is True
