"""A control plane that tests stop, and an agent and an API process that follow their ConfigMap with their own Role."""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from ci.stack import documents
from ci.stack.api import Api
from ci.stack.cluster_objects import PLAN, ROUTES
from ci.stack.control_plane import ControlPlane
from ci.stack.documents import Json, build_plan
from ci.stack.http import client
from ci.stack.kubernetes import Cluster
from ci.stack.processes import Process
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.harness import routes
from tests.harness.rollout.namespace import Namespace

AGENT_ADDRESS, API_ADDRESS = "127.0.4.1", "127.0.4.101"
WORKERS = 2  # of the API
AWAY_SECONDS = 90  # the longest pause between two tries, the start of an API server or a process, a slow machine

Bundle = Callable[[int], Path]


class Reader:
    """The agent or the API of a namespace: the document that it follows, the mounted copy, and its report."""

    def __init__(self, namespace: Namespace, process: Process, mounted: Path, name: str, url: str, path: str) -> None:
        self.namespace, self.process, self.mounted, self.name = namespace, process, mounted, name
        self.key, self.url, self._report_url = mounted.name, url, url + path

    def mount(self, document: Json) -> None:
        documents.write(document, self.mounted)

    def publish(self, document: Json) -> None:
        self.write(json.dumps(document))

    def write(self, content: str) -> None:
        self.namespace.set_config_map(self.name, {self.key: content})

    def report(self) -> dict[str, Any]:
        """Empty while it does not answer."""
        try:
            found: dict[str, Any] = client.get(self._report_url, timeout=5).raise_for_status().json()
        except httpx.HTTPError:
            return {}
        return found

    def wait_for_revision(self, revision: int, timeout_seconds: float = AWAY_SECONDS) -> dict[str, Any]:
        """Waits until every worker applied it and nothing is refused; returns the report."""

        def obeyed() -> dict[str, Any] | None:
            report = self.report()
            is_obeyed = is_agreed(report) and report["revision"] == revision and report["rejected"] is None
            return report if is_obeyed else None

        try:
            return wait_until(obeyed, f"{self.name}: revision {revision} is obeyed", timeout_seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.report()}\n{self.process.log_tail()}") from None

    def wait_for_rejection(self, reason: str) -> dict[str, Any]:
        def rejected() -> dict[str, Any] | None:
            report = self.report()
            is_refused = is_agreed(report) and reason in (report["rejected"] or {}).get("reason", "")
            return report if is_refused else None

        return wait_until(rejected, f"{self.name}: refused with {reason!r}")


def is_agreed(report: dict[str, Any]) -> bool:
    """Whether every worker has applied the same document."""
    return bool(report.get("id")) and report.get("workers", WORKERS) == WORKERS


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with ControlPlane(tmp_path_factory.mktemp("control-plane")) as plane, Cluster(plane) as cluster:
        yield cluster


@pytest.fixture(scope="package")
def bundle(bundles: Path) -> Bundle:
    return lambda version: bundles / f"resnet_medical-{version}.tar"


@pytest.fixture
def namespace(cluster: Cluster) -> Namespace:
    cluster.plane.start_api_server()
    return Namespace(cluster)


@pytest.fixture
def sidecar(namespace: Namespace, tmp_path: Path) -> Iterator[Sidecar]:
    """A pod that is not started."""
    environment = {
        "MEDINFER_AGENT_PLAN_CONFIGMAP": PLAN,
        "MEDINFER_AGENT_NAMESPACE": namespace.name,
        "KUBECONFIG": str(namespace.kubeconfig("agent")),
    }
    sidecar = Sidecar("medinfer-triton-0", AGENT_ADDRESS, tmp_path / "triton", environment)
    with ExitStack() as running:
        running.callback(sidecar.triton.stop)
        running.callback(sidecar.agent.stop)
        yield sidecar


@pytest.fixture
def agent(namespace: Namespace, sidecar: Sidecar) -> Reader:
    """An agent without a Triton, which follows its plan nevertheless."""
    return Reader(namespace, sidecar.agent, sidecar.mounted_plan, PLAN, sidecar.agent_url, "/state")


@pytest.fixture
def api(namespace: Namespace, tmp_path: Path) -> Iterator[Reader]:
    """Two workers, and replicas that are never asked."""
    environment = {"ROUTES_CONFIGMAP": ROUTES, "NAMESPACE": namespace.name, "DRAIN_SECONDS": "0"}
    bind, mounted = f"{API_ADDRESS}:8002", tmp_path / "mounted" / "routes.json"
    process = Api("api", bind, tmp_path, mounted, WORKERS, environment, namespace.kubeconfig("api"))
    yield Reader(namespace, process, mounted, ROUTES, process.inner_url, "/routes")
    process.stop()


@pytest.fixture(params=["agent", "api"])
def reader(request: pytest.FixtureRequest) -> Reader:
    """The agent, then the API; neither is started, and no document is written."""
    found: Reader = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def document(reader: Reader, bundle: Bundle) -> Callable[[int], Json]:
    """Makes a document for `reader` with a given revision."""
    if reader.name == ROUTES:
        return lambda revision: routes.document(revision=revision)
    return lambda revision: build_plan(stable=bundle(1)) | {"revision": revision}
