"""A release for real: API server, operators, Triton pods and API pods as processes, and the moves of a person."""

import os
import shutil
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx

from ci.load.answers import expected_answers
from ci.load.load import Expected, Load
from ci.stack.api import Api
from ci.stack.cluster_objects import API, PLAN, ROUTES, TRITON
from ci.stack.documents import SHORT, Json, artifact
from ci.stack.http import client
from ci.stack.operator import Operator
from ci.stack.processes import Process
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.harness.hostile.repack import repack
from tests.harness.rollout.kubelet import Kubelet
from tests.harness.rollout.namespace import Namespace

NAME = "resnet-medical"
GATE = "clinical-signoff"
PROMOTE_SECONDS = 300.0

STEPS = [
    {"shadow": {"percent": 100, "minSamples": 60}},
    {"gate": {"name": GATE}},
    {"setWeight": 10},
    {"setWeight": 50},
    {"pause": {"seconds": 3}},
    {"setWeight": 100},
]
# Latency is judged in the tests that are about it: elsewhere k6, two Tritons and the rest share two cores.
ANALYSIS = {"intervalSeconds": 2, "minSamples": 30, "maxLatencyRatio": 1000, "maxStableSlowdown": 1000}


class RolloutStack:
    """Two Triton pods and two API pods by default. Addresses are those of one subnet: `subnet` 60 is 127.0.60.0/24.

    `bundles` is a folder of `modelctl demo`, with versions of `model`.
    """

    def __init__(
        self, namespace: Namespace, bundles: Path, folder: Path, subnet: int = 60, model: str = "resnet_medical"
    ) -> None:
        self.namespace, self.bundles, self.folder, self._subnet = namespace, bundles, folder, subnet
        self.model = model
        self.tritons: dict[str, Sidecar] = {}
        self.apis: dict[str, Api] = {}
        self.operators: list[Operator] = []
        self.kubelet = Kubelet(namespace.pods)
        self.agent_environment: dict[str, str] = {"MEDINFER_AGENT_MIN_FREE_DISK_BYTES": "1048576"}
        self.operator_environment: dict[str, str] = {"RESYNC_SECONDS": "2"}

    def start(self, tritons: int = 2, apis: int = 2, operators: int = 1, version: int | None = 1) -> None:
        """Returns when `version` is live; None: nothing is wanted yet."""
        self.namespace.scale(TRITON, tritons)
        self.kubelet.start()
        for _ in range(tritons):
            self.add_triton()
        for _ in range(apis):
            self.add_api()
        for _ in range(operators):
            self.add_operator()
        if version:
            self.apply(version)
            self.wait_for_ready(version)
            for api in self.apis.values():
                api.wait_until_serving()

    def stop(self) -> None:
        """At once: what an orderly end does is tested where it is asked for."""
        with ExitStack() as everything:
            processes: list[Sidecar | Process] = [*self.tritons.values(), *self.apis.values(), *self.operators]
            for process in processes:
                everything.callback(process.kill)
            everything.callback(self.kubelet.stop)

    # pods

    def add_triton(self) -> Sidecar:
        pod = self.start_triton(len(self.tritons))
        self.namespace.pods.add_triton(pod.name, pod.address, self.kubelet.new_container())
        self.kubelet.keep(pod)
        return pod

    def start_triton(self, number: int) -> Sidecar:
        """The processes alone, of a pod that somebody else writes."""
        name = f"{TRITON}-{number}"
        address = f"127.0.{self._subnet}.{number + 1}"
        environment = self.agent_environment | {
            "MEDINFER_AGENT_PLAN_CONFIGMAP": f"{TRITON}-plan",
            "MEDINFER_AGENT_NAMESPACE": self.namespace.name,
            "KUBECONFIG": str(self.namespace.kubeconfig("agent")),
        }
        pod = self.tritons[name] = Sidecar(name, address, self.folder / name, environment)
        pod.start()
        return pod

    def add_api(self) -> Api:
        number = len(self.apis)
        name = f"{API}-{number}"
        address = f"127.0.{self._subnet}.{number + 101}"
        environment = {
            "ROUTES_CONFIGMAP": f"{API}-routes",
            "NAMESPACE": self.namespace.name,
            "DRAIN_SECONDS": "5",
            "LOG_REQUESTS": "true",
            # More than a load has users: a machine that stands still for two seconds makes requests wait, not fail.
            "MAX_IN_FLIGHT": "512",
        }
        mounted, kubeconfig = self.folder / name / "mounted" / "routes.json", self.namespace.kubeconfig("api")
        pod = self.apis[name] = Api(name, f"{address}:8002", self.folder, mounted, 1, environment, kubeconfig)
        pod.routes_file.parent.mkdir(parents=True, exist_ok=True)
        pod.start()
        self.namespace.pods.add_api(name, address)
        self.kubelet.keep(pod)
        return pod

    def remove(self, pod: Sidecar | Api) -> None:
        """As `kubectl delete pod`: terminating, stopped in an orderly way, gone."""
        self.namespace.pods.delete(pod.name, grace_seconds=60)
        self.kubelet.end(pod.name)
        if isinstance(pod, Sidecar):
            pod.stop()
        else:
            pod.run_prestop()
            pod.signal(signal.SIGTERM)
            pod.wait(60)
        self.forget(pod)

    def forget(self, pod: Sidecar | Api) -> None:
        """The object goes, once its processes are gone."""
        self.kubelet.forget(pod.name)
        self.namespace.pods.delete(pod.name)

    def bring_back(self, pod: Sidecar) -> None:
        """As the StatefulSet's controller does: a new pod of the same name, and an empty disk."""
        shutil.rmtree(pod.folder / "data")
        (pod.folder / "data" / "repository").mkdir(parents=True)
        pod.start()
        self.namespace.pods.add_triton(pod.name, pod.address, self.kubelet.new_container())
        self.kubelet.keep(pod)

    def scale_tritons(self, replicas: int) -> None:
        self.namespace.scale(TRITON, replicas)
        while len(self.tritons) < replicas:
            self.add_triton()

    def add_operator(self, kubeconfig: Path | None = None) -> Operator:
        """`kubeconfig`: another way to the API server than the straight one."""
        number = len(self.operators)
        operator = Operator(
            f"operator-{number}",
            f"127.0.{self._subnet}.{number + 201}",
            self.namespace.name,
            kubeconfig or self.namespace.kubeconfig("operator"),
            self.folder,
            self.operator_environment,
        )
        self.operators.append(operator)
        operator.start()
        return operator

    def endpoints(self) -> list[tuple[str, int]]:
        """Of API pods that are ready and not about to end, as the API server has it."""
        return [(api.host, 8002) for name, api in self.apis.items() if self.kubelet.is_endpoint(name)]

    # moves

    def bundle(self, version: int) -> Path:
        return self.bundles / f"{self.model}-{version}.tar"

    def make_version(self, version: int, like: int = 2) -> int:
        """A good version of this number: the same weights, other bytes."""
        provenance = {"notice": "Demonstration weights, not for clinical use.", "made": f"as version {version}"}
        repack(self.bundle(like), self.bundles, version=version, provenance=provenance)
        return version

    def loaded(self, pod: Sidecar) -> set[int]:
        """Versions that the agent says Triton holds; none while the agent is unreachable."""
        held = ("Loading", "Warming", "Warm", "Unloading")
        return {one["version"] for one in self.agent_versions(pod) if one["state"] in held}

    def agent_versions(self, pod: Sidecar) -> list[Json]:
        """None while the agent is unreachable, or has just started and answers 503."""
        try:
            response = client.get(f"{pod.agent_url}/state", timeout=5).raise_for_status()
        except httpx.HTTPError:
            return []
        versions: list[Json] = response.json()["versions"]
        return versions

    def spec(self, version: int, *, approve: bool = True, **changes: Any) -> Json:
        """`changes` replace whole members of the spec; `steps` those of the strategy."""
        wanted = artifact(self.bundle(version))
        steps = changes.pop("steps", STEPS)
        strategy = {"steps": steps, "keepPreviousSeconds": 600} | changes.pop("strategy", {})
        spec = {
            "tritonRef": {"name": TRITON},
            "apiRef": {"name": API},
            "model": self.model,
            "version": version,
            "artifact": {"uri": wanted["uri"], "digest": wanted["digest"]},
            "warmup": SHORT.to_json(),
            "load": {"timeoutSeconds": 60},
            "strategy": strategy,
            "analysis": ANALYSIS | changes.pop("analysis", {}),
        } | changes
        if approve:
            digest = spec["artifact"]["digest"]
            spec["approvals"] = [{"gate": GATE, "version": version, "digest": digest, "by": "Dr. Roentgen"}]
        return spec

    def apply(self, version: int, *, approve: bool = True, name: str = NAME, **changes: Any) -> None:
        """Creates the ModelRollout, or edits its spec, as `kubectl apply` would."""
        body = {
            "apiVersion": "serving.medinfer.io/v1alpha1",
            "kind": "ModelRollout",
            "metadata": {"name": name},
            "spec": self.spec(version, approve=approve, **changes),
        }
        self.namespace.apply_rollout(body)

    # what is there

    def status(self, name: str = NAME) -> Json:
        return self.namespace.rollout(name).get("status") or {}

    def phase(self) -> str:
        return str(self.status().get("phase", ""))

    def weight(self) -> int:
        return int((self.status().get("canary") or {}).get("weight", 0))

    def condition(self, type: str, name: str = NAME) -> Json:
        found = [one for one in self.status(name).get("conditions", ()) if one["type"] == type]
        return found[0] if found else {}

    def wait_for_phase(self, *phases: str, timeout_seconds: float = PROMOTE_SECONDS) -> Json:
        """The status then, which is of the newest spec."""

        def arrived() -> Json | None:
            rollout = self.namespace.rollout(NAME)
            status: Json = rollout.get("status") or {}
            is_newest = status.get("observedGeneration") == rollout["metadata"]["generation"]
            return status if is_newest and status.get("phase") in phases else None

        try:
            return wait_until(arrived, f"phase {' or '.join(phases)}", timeout_seconds, poll_seconds=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.status().get('message')}") from None

    def is_ready(self, version: int) -> bool:
        """It is live, by the status of the newest spec."""
        rollout = self.namespace.rollout(NAME)
        status = rollout.get("status") or {}
        stable = (status.get("stable") or {}).get("version")
        ready: Json = next((one for one in status.get("conditions", ()) if one["type"] == "Ready"), {})
        is_newest = status.get("observedGeneration") == rollout["metadata"]["generation"]
        return bool(is_newest and stable == version and ready.get("status") == "True")

    def wait_for_ready(self, version: int, timeout_seconds: float = PROMOTE_SECONDS) -> None:
        try:
            wait_until(lambda: self.is_ready(version), f"version {version} is live", timeout_seconds, poll_seconds=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.status().get('message')}") from None

    def wait_for_weight(self, weight: int, timeout_seconds: float = PROMOTE_SECONDS) -> None:
        wait_until(lambda: self.weight() == weight, f"the canary has {weight} %", timeout_seconds, poll_seconds=0.1)

    def events(self, name: str = NAME) -> list[str]:
        """`Reason: message`, oldest first."""
        return [f"{event['reason']}: {event['message']}" for event in self.namespace.events(name)]

    def leader(self) -> Operator | None:
        """Who holds the Lease."""
        lease = self.namespace.lease("medinfer-rollout-operator") or {}
        holder = (lease.get("spec") or {}).get("holderIdentity")
        return next((one for one in self.operators if one.name == holder), None)

    def writers(self) -> set[str]:
        """Who wrote plan and routes last."""
        maps = [self.namespace.config_map(name) or {} for name in (PLAN, ROUTES)]
        return {one["metadata"]["annotations"]["serving.medinfer.io/writer"] for one in maps}

    # load

    def expected(self, images: Sequence[bytes], *versions: int) -> Expected:
        return {version: expected_answers(self.bundle(version), images) for version in versions}

    def load(
        self,
        images: Sequence[bytes],
        expected: Expected,
        urls: Sequence[str] | None = None,
        *,
        rate_per_second: float = 50,
        max_seconds: float = 900,
    ) -> Load:
        """Half kept-alive, half fresh connections, to the API pods that there are now, or to `urls`."""
        folder = self.folder / f"load-{len(list(self.folder.glob('load-*')))}"
        there = urls or [api.url for api in self.apis.values()]
        return Load(there, images, expected, folder, rate_per_second=rate_per_second, max_seconds=max_seconds)


def kill(process: Any) -> None:
    """SIGKILL to this process alone."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
