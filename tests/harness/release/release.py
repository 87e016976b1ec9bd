"""One release of the chart in a namespace of its own, on the cluster that KUBECONFIG names. Pods can be reached."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from ci.cluster import chart
from ci.load.answers import expected_answers
from ci.load.load import Load
from ci.stack.folders import ROOT
from ci.stack.http import client
from ci.stack.waiting import wait_until
from tests.harness.release import kube_client

Json = dict[str, Any]

NAME = "medinfer"
ROLLOUT = "resnet-medical"
API = "medinfer-api"
RATE_PER_SECOND = 50
QUICK = ROOT / "tests" / "e2e" / "quick.yaml"
# The API server's path to all objects of a kind, for a namespace.
PATHS = {
    "configmap": "/api/v1/namespaces/{}/configmaps",
    "modelrollout": "/apis/serving.medinfer.io/v1alpha1/namespaces/{}/modelrollouts",
    "pod": "/api/v1/namespaces/{}/pods",
    "service": "/api/v1/namespaces/{}/services",
}


class Release:
    """`values` are files, `settings` --set's; what install was given holds for upgrades, unless they say otherwise.

    `headers` are those of every prediction that is asked for.
    """

    def __init__(self, namespace: str, model: str = "tiny") -> None:
        self.namespace, self.model = namespace, model
        self.values = [*chart.VALUES, QUICK]
        self.headers: dict[str, str] = {}
        self.rate_per_second = RATE_PER_SECOND
        self.use_this_chart()
        self._expected: dict[int, list[str]] = {}

    def install(self, version: int = 1, settings: Mapping[str, str] | None = None) -> None:
        """Returns at once, as helm does."""
        self._settings |= dict(settings or {})
        self._helm("install", version)

    def upgrade(self, version: int, settings: Mapping[str, str] | None = None) -> None:
        self._settings |= dict(settings or {})
        self._helm("upgrade", version)

    def use_chart(self, name: str) -> None:
        """Another one than this checkout's, from the next install or upgrade on: a file, or oci://..."""
        self._chart = name

    def use_this_chart(self) -> None:
        """With the images that were delivered to the nodes, and agents that may ask the store of the tests."""
        self._chart, self.values[0] = str(chart.CHART), chart.VALUES[0]
        self._settings = chart.image_settings(chart.known_images()) | chart.STORE

    def use_another(self, folder: Path, settings: Mapping[str, str]) -> None:
        """A chart's folder, with its own values-cpu.yaml and nothing but these settings."""
        self._chart, self.values[0] = str(folder), folder / "values-cpu.yaml"
        self._settings = dict(settings)

    def use_images_of_the_chart(self, values: Path) -> None:
        """Instead of those that were delivered to the nodes. values: the chart's own values-cpu.yaml."""
        self._settings = dict(chart.STORE)
        self.values[0] = values

    def helm_test(self) -> str:
        """Its output; raises AssertionError with it when the test fails."""
        return run("helm", "test", NAME, "--namespace", self.namespace, "--logs", timeout_seconds=300)

    def remove(self) -> None:
        """The release and its namespace, without a trace.

        Pods go without waiting for their processes, which drain beside the next test for up to half a minute.
        """
        run("helm", "uninstall", NAME, "--namespace", self.namespace, "--ignore-not-found", check=False)
        wait_until(self._has_no_pods, f"no pods are left in {self.namespace}", 120, poll_seconds=0.5)
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--timeout=120s")

    @property
    def url(self) -> str:
        """Of the API's Service."""
        address = self.get("service", API)["spec"]["clusterIP"]
        return f"http://{address}:8002"

    def wait_until_answering(self, image: bytes, timeout_seconds: float = 180) -> None:
        """Until the Service leads to an API pod: neither a rollout nor a Ready pod says that it does."""
        wait_until(lambda: self._is_answering(image), "a prediction", timeout_seconds, poll_seconds=0.5)

    def load(self, images: Sequence[bytes], folder: Path, *answering: int) -> Load:
        """Through the Service, always with the same images; answers of these versions are right ones."""
        for version in set(answering) - self._expected.keys():
            self._expected[version] = expected_answers(bundle(self.model, version, folder), images)
        expected = {version: self._expected[version] for version in answering}
        self.wait_until_answering(images[0])
        folder, rate = folder / "load", self.rate_per_second
        return Load([self.url], images, expected, folder, rate_per_second=rate, max_seconds=800, headers=self.headers)

    def rollout(self) -> Json:
        """The ModelRollout's status; empty before there is one."""
        status: Json = self.get("modelrollout", ROLLOUT).get("status") or {}
        return status

    def wait_for_phase(self, phase: str, version: int, timeout_seconds: float = 180) -> Json:
        """The status, once it is about this version of the spec and says so."""
        last: Json = {}

        def arrived() -> Json | None:
            body = self.get("modelrollout", ROLLOUT)
            last.update(body.get("status") or {})
            is_newest = last.get("observedGeneration") == body["metadata"]["generation"]
            return last if is_newest and body["spec"]["version"] == version and last.get("phase") == phase else None

        try:
            return wait_until(arrived, f"version {version} is {phase}", timeout_seconds, poll_seconds=0.5)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(last, indent=1)}") from None

    def condition(self, type: str) -> Json:
        found: list[Json] = [one for one in self.rollout()["conditions"] if one["type"] == type]
        return found[0]

    def pods(self, component: str) -> list[Json]:
        """Those that are not about to end, by name."""
        pods = kube_client.get(self._path("pod"), labelSelector=f"app.kubernetes.io/component={component}")["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def ready_pods(self, component: str) -> int:
        """Those that are Ready and not about to end."""
        return sum(map(is_ready, self.pods(component)))

    def wait_for_pods(self, component: str, at_least: int, at_most: int = 100, timeout_seconds: float = 120) -> None:
        def there() -> bool:
            return at_least <= self.ready_pods(component) <= at_most

        wait_until(there, f"{at_least} to {at_most} {component} pods are Ready", timeout_seconds, poll_seconds=1)

    def wait_for_rollouts(self) -> None:
        """Until every pod is of the newest template, and ready."""
        for workload in (f"deployment/{API}", "deployment/medinfer-rollout-operator", "statefulset/medinfer-triton"):
            self.kubectl("rollout", "status", workload, "--timeout=190s")

    def get(self, kind: str, name: str) -> Json:
        return kube_client.get(f"{self._path(kind)}/{name}")

    def kubectl(self, *arguments: str) -> str:
        return run("kubectl", "--namespace", self.namespace, *arguments)

    def _has_no_pods(self) -> bool:
        """Ends those that are there: a ReplicaSet that outlives its Deployment for a moment makes new ones."""
        kube_client.delete_at_once(self._path("pod"))
        return not kube_client.get(self._path("pod"))["items"]

    def _path(self, kind: str) -> str:
        return PATHS[kind].format(self.namespace)

    def _is_answering(self, image: bytes) -> bool:
        try:
            answer = client.post(f"{self.url}/predict", files={"image": image}, headers=self.headers, timeout=5)
        except (httpx.TransportError, AssertionError):
            return False
        return answer.status_code == 200

    def _helm(self, command: str, version: int) -> None:
        settings = chart.artifact_settings(self.model, version) | self._settings
        arguments = [part for setting in settings.items() for part in ("--set", "=".join(setting))]
        files = [part for path in self.values for part in ("--values", str(path))]
        where = ["--namespace", self.namespace, *(["--create-namespace"] if command == "install" else [])]
        run("helm", command, NAME, self._chart, *where, *files, *arguments)


class PortForward:
    """`kubectl port-forward` to the API, as a person opens it; `url` once it listens."""

    def __init__(self, release: Release) -> None:
        self._command = ["kubectl", "--namespace", release.namespace, "port-forward", f"service/{API}", ":8002"]

    def __enter__(self) -> str:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        first = self._process.stdout.readline()  # Forwarding from 127.0.0.1:40000 -> 8002
        return f"http://{first.split()[2]}"

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()


def bundle(model: str, version: int, folder: Path) -> Path:
    """A copy of the demonstration bundle that the cluster serves."""
    path = folder / f"resnet_medical-{version}.tar"
    address = run(
        "kubectl", "--namespace", "bundles", "get", "service", "bundles", "--output", "jsonpath={.spec.clusterIP}"
    )
    path.write_bytes(client.get(f"http://{address}/{model}/{path.name}", timeout=60).raise_for_status().content)
    return path


def is_ready(pod: Json) -> bool:
    conditions: Sequence[Json] = pod.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def run(*command: str, check: bool = True, timeout_seconds: float = 200, text: str | None = None) -> str:
    """Standard output, for `text` on standard input; raises AssertionError with what it said when it fails."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    assert not check or done.returncode == 0, f"{' '.join(command[:4])}: {done.stdout}{done.stderr}"
    return done.stdout
