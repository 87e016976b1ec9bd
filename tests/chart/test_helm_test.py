"""The two scripts of helm test, against the real Triton and against an API with good and bad answers."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from ci.stack.processes import Process
from ci.stack.replica import TRITON_COMMAND
from tests.harness.chart import helm
from tests.harness.chart.helm import CHART, containers, pod_templates, render
from tests.harness.chart.triton_command import BACKENDS

FILES = CHART / "files"
ADDRESS = "127.0.0.91"
GOOD = {
    "prediction": "Glioma",
    "confidence": 0.9,
    "latency_ms": 1.0,
    "model_version": 1,
    "probabilities": {"Glioma": 0.9},
}
SERVING = {"stable": {"version": 1, "weight": 100}, "canary": None}


class Answering(BaseHTTPRequestHandler):
    """Serves `answers`: status and body by path; to a POST without `key` what it has for /refusal."""

    answers: dict[str, tuple[int, object]]
    key = ""

    def do_GET(self) -> None:
        status, body = self.answers[self.path]
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.key and self.headers["Authorization"] != f"Bearer {self.key}":
            self.path = "/refusal"
        self.do_GET()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer((ADDRESS, 0), Answering)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{ADDRESS}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("serves", "predict", "status", "says"),
    [
        pytest.param((200, SERVING), (200, GOOD), 0, '"prediction": "Glioma"', id="a prediction"),
        pytest.param((200, {"stable": None}), (200, GOOD), 1, "no version after 0.1 s", id="never a version"),
        pytest.param((503, {"detail": "x"}), (200, GOOD), 1, "no version after 0.1 s", id="never ready"),
        pytest.param((200, SERVING), (503, {"detail": "no replica"}), 1, "POST /predict: 503", id="refused"),
        pytest.param((200, SERVING), (200, {"prediction": "Glioma"}), 1, "POST /predict: 200", id="another body"),
    ],
)
def test_predict(url: str, serves: tuple[int, object], predict: tuple[int, object], status: int, says: str) -> None:
    Answering.answers = {"/status": serves, "/predict": predict}
    done = run(FILES / "predict.py", url, "0.1")
    assert done.returncode == status
    assert says in done.stdout + done.stderr


REFUSAL = (401, {"detail": "Send a key"})


@pytest.mark.parametrize(
    ("key", "refusal", "options", "status", "says"),
    [
        pytest.param("k", REFUSAL, ["--key-file={}"], 0, '"prediction": "Glioma"', id="the right key"),
        pytest.param("k", REFUSAL, [], 1, "POST /predict: 401", id="no key"),
        pytest.param("other", REFUSAL, ["--key-file={}"], 1, "POST /predict: 401", id="another key"),
        pytest.param("", REFUSAL, ["--key-file={}"], 1, "without a key: 200", id="nobody asks for the key"),
        pytest.param("k", REFUSAL, ["--expect-refusal"], 0, "set tests.keySecretName", id="refused as expected"),
        pytest.param("", REFUSAL, ["--expect-refusal"], 1, "without a key: 200", id="not refused"),
        pytest.param("k", (503, {}), ["--expect-refusal"], 1, "without a key: 503", id="no refusal but a fault"),
    ],
)
def test_predict_with_keys(
    url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    refusal: tuple[int, object],
    options: list[str],
    status: int,
    says: str,
) -> None:
    file = tmp_path / "key"
    file.write_text("k\n")
    monkeypatch.setattr(Answering, "key", key)
    Answering.answers = {"/status": (401 if key else 200, SERVING), "/predict": (200, GOOD), "/refusal": refusal}
    done = run(FILES / "predict.py", url, "0.1", *(option.format(file) for option in options))
    assert done.returncode == status
    assert says in done.stdout + done.stderr


def test_predict_says_what_is_missing_when_nobody_listens() -> None:
    done = run(FILES / "predict.py", f"http://{ADDRESS}:1", "0.1")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr and "kubectl get mro" in done.stderr


def test_this_triton_leaves_a_version_alone_while_one_beside_it_loads(tmp_path: Path) -> None:
    """Starts Triton with the arguments of the test's pod, except for places. Its last check shows it can fail."""
    objects = helm.of_kind(render(), "Pod")
    triton = objects["medinfer-test-loading"]["spec"]["initContainers"][0]
    places = {"127.0.0.1": ADDRESS, "=/repository": f"={tmp_path}", "/tmp/backends": str(BACKENDS)}
    here = triton["args"]
    for pod, machine in places.items():
        here = [one.replace(pod, machine) for one in here]
    with Process("triton", [TRITON_COMMAND, *here], {}, tmp_path.parent / "triton.log"):
        done = check_loading(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "it was not started again" in done.stdout
    assert triton["command"] == next(
        one["command"]
        for one in containers(pod_templates(render())["StatefulSet/medinfer-triton"])
        if one["name"] == "triton"
    )


def test_a_triton_whose_readiness_moves_is_unsafe(tmp_path: Path) -> None:
    arguments = [f"--{name}-address={ADDRESS}" for name in ("http", "grpc", "metrics")]
    strict = ["--model-control-mode=explicit", "--strict-readiness=true", f"--model-repository={tmp_path}"]
    with Process("triton", [TRITON_COMMAND, *strict, *arguments], {}, tmp_path.parent / "strict.log"):
        done = check_loading(tmp_path)
    assert done.returncode == 1
    assert "canaries are unsafe on this Triton: Triton was not ready" in done.stderr


def test_the_scripts_lie_where_the_pods_start_them() -> None:
    objects = render()
    files = helm.of_kind(objects, "ConfigMap")["medinfer-test"]
    assert files["data"]["predict.py"] == (FILES / "predict.py").read_text()
    assert files["data"].keys() | files["binaryData"].keys() == {"predict.py", *names(FILES / "loading")}
    commands = [one["spec"]["containers"][0]["command"] for one in helm.of_kind(objects, "Pod").values()]
    loading = ["python", "-m", "replica_agent.check_loading", "/tests", "/repository"]
    assert [commands[0], commands[1][:2]] == [loading, ["python", "/tests/predict.py"]]


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def check_loading(repository: Path) -> subprocess.CompletedProcess[str]:
    arguments = [str(FILES / "loading"), str(repository), "KIND_CPU", "--address", ADDRESS]
    return run("-m", "replica_agent.check_loading", *arguments)


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120)
