"""What is measured: our API and what it is compared with, each as processes on a loopback address."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import httpx
import psutil

from ci.load.images import BOUNDARY, multipart
from ci.stack import documents
from ci.stack.api import Api
from ci.stack.folders import ROOT
from ci.stack.processes import Process
from ci.stack.replica import Replica

OURS, REFERENCE, LITSERVE, LITSERVE_BATCHED = "medinfer", "reference", "LitServe", "LitServe, batching"
BENTOML, BENTOML_BATCHED = "BentoML", "BentoML, batching"
OUR_BIND, REFERENCE_BIND, LITSERVE_PORT = "127.0.0.31:8002", "127.0.0.32:8002", 8732
BENTOML_ADDRESS, BENTOML_PORT = "127.0.0.33", 8002
BENTOML_PROJECT = ROOT / "ci" / "bench" / "compared" / "bento"


class Server(Protocol):
    """The part of Api that the benchmark uses."""

    name: str

    @property
    def url(self) -> str: ...
    @property
    def pid(self) -> int: ...
    def start(self) -> None: ...
    def stop(self, timeout_seconds: float = 20) -> None: ...
    def wait_until_serving(self, timeout_seconds: float = 30) -> None: ...


class Reference(Process):
    """ci/bench/compared/reference.py under gunicorn; asks the Triton at triton_url for its newest version."""

    def __init__(self, triton_url: str, folder: Path, workers: int = 1, bind: str = REFERENCE_BIND) -> None:
        self.url = f"http://{bind}"
        serve = ["-m", "gunicorn", "-k", "uvicorn_worker.UvicornWorker", "-w", str(workers), "-b", bind]
        environment = {"TRITON_URL": triton_url.removeprefix("http://")}
        command = [sys.executable, *serve, "ci.bench.compared.reference:app"]
        super().__init__(REFERENCE, command, environment, folder / "reference.log")

    def wait_until_serving(self, timeout_seconds: float = 30) -> None:
        self.wait_until_ready(f"{self.url}/ready", timeout_seconds)


class LitServe(Process):
    """ci/bench/compared/litserve_app.py; workers: inference processes, and as many HTTP processes."""

    def __init__(self, model: Path, folder: Path, workers: int = 1, max_batch_size: int = 1) -> None:
        self.url = f"http://127.0.0.1:{LITSERVE_PORT}"
        options = ["--port", str(LITSERVE_PORT), "--workers", str(workers), "--max-batch-size", str(max_batch_size)]
        command = [sys.executable, "-m", "ci.bench.compared.litserve_app", *options, str(model)]
        name = LITSERVE if max_batch_size == 1 else LITSERVE_BATCHED
        super().__init__(name, command, {}, folder / "litserve.log")

    def wait_until_serving(self, timeout_seconds: float = 60) -> None:
        self.wait_until_ready(f"{self.url}/health", timeout_seconds)

    def stop(self, timeout_seconds: float = 2) -> None:
        """Its orderly end waits for connections to close; nothing here needs that."""
        super().stop(timeout_seconds)


class BentoML(Process):
    """ci/bench/compared/bento/service.py, on the packages in the folder `environment`; workers: its processes."""

    def __init__(self, environment: Path, model: Path, folder: Path, workers: int = 1, max_batch_size: int = 1) -> None:
        self.url = f"http://{BENTOML_ADDRESS}:{BENTOML_PORT}"
        is_batched = max_batch_size > 1
        service = "BatchedClassifier" if is_batched else "Classifier"
        settings = {"model": model, "workers": workers} | ({"max_batch_size": max_batch_size} if is_batched else {})
        arguments = [part for setting, value in settings.items() for part in ("--arg", f"{setting}={value}")]
        address = ["--host", BENTOML_ADDRESS, "--port", str(BENTOML_PORT)]
        serve = [str(environment / "bin" / "bentoml"), "serve", f"service:{service}"]
        command = [*serve, "--working-dir", str(BENTOML_PROJECT), *address, *arguments]
        # Nothing about its use to its makers, and nothing of it in the home folder.
        variables = {"BENTOML_DO_NOT_TRACK": "True", "BENTOML_HOME": str(folder / "bentoml-home")}
        super().__init__(BENTOML_BATCHED if is_batched else BENTOML, command, variables, folder / "bentoml.log")

    def wait_until_serving(self, timeout_seconds: float = 60) -> None:
        self.wait_until_ready(f"{self.url}/readyz", timeout_seconds)


def ours(routes: documents.Json, folder: Path, workers: int = 1, bind: str = OUR_BIND, name: str = OURS) -> Api:
    api = Api(name, bind, folder, workers=workers)
    api.follow(routes)
    return api


@contextmanager
def serving(
    server: Server, image: bytes, warm_requests: int = 200, headers: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Started, warm, and stopped at the end; raises httpx.HTTPStatusError when it cannot answer."""
    server.start()
    try:
        server.wait_until_serving()
        body = multipart(image)
        headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} | dict(headers or {})
        with httpx.Client(timeout=30) as client:
            for _ in range(warm_requests):
                client.post(f"{server.url}/predict", content=body, headers=headers).raise_for_status()
        yield server
    finally:
        server.stop()


@contextmanager
def replica(bundle: Path, folder: Path, address: str = "127.0.0.21", name: str = "triton-0") -> Iterator[Replica]:
    """A replica on which the bundle is warm."""
    started = Replica(name, address, folder / name)
    started.follow(documents.build_plan(stable=bundle, warmup=documents.FULL))
    with started:
        started.wait_until_warm(180)
        yield started


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children so far."""
    root = psutil.Process(pid)
    times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
    return sum(spent.user + spent.system for spent in times)
