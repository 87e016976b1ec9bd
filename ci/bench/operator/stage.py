"""One namespace with an operator and simulated pods, on a control plane that all share."""

import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from ci.bench.operator import objects
from ci.bench.operator.addresses import OPERATOR, Part
from ci.bench.operator.documents import Entry, read_journal
from ci.bench.operator.window import Window
from ci.stack.kubernetes import Cluster, binding
from ci.stack.operator import Operator
from ci.stack.processes import Process

WRITERS = 4
START_SECONDS = 120
REQUESTS_PER_SECOND = 10  # of each API pod


class Stage:
    """`parts`: every rollout that may be created; their pods answer from the start."""

    def __init__(self, cluster: Cluster, parts: list[Part], warm_seconds: float, folder: Path) -> None:
        self.cluster, self.client, self.namespace = cluster, cluster.client, cluster.create_namespace()
        self._allow_everything()
        self.operator = Operator("operator-0", OPERATOR, self.namespace, self._kubeconfig("operator"), folder)
        self.simulator = self._make_simulator(parts, warm_seconds, folder / "simulator.log")

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for process in (self.simulator, self.operator):
                stack.callback(process.stop, 5)
                process.start()
            self.operator.wait_until_alive(START_SECONDS)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def create(self, parts: Iterable[Part], concurrent_replicas: int) -> None:
        """Workloads, pods, and the ModelRollout, at version 1."""
        with ThreadPoolExecutor(WRITERS) as pool:
            for _ in pool.map(lambda part: self._create(part, concurrent_replicas), parts):
                pass

    def edit(self, part: Part, version: int) -> None:
        self.client.merge(self._rollouts(part.name), {"spec": objects.release(version)})

    def window(self) -> Window:
        return Window(self.cluster.plane, self.operator)

    def journal(self) -> list[Entry]:
        return read_journal(self.simulator.log.read_text())

    def _create(self, part: Part, concurrent_replicas: int) -> None:
        self.client.create(self._apps("statefulsets"), objects.stateful_set(part))
        self.client.create(self._apps("deployments"), objects.deployment(part))
        for body in objects.config_maps(part):
            self.client.create(self._core("configmaps"), body)
        for component, pods in (("triton", part.agents), ("api", part.apis)):
            for name, ip in pods.items():
                self.client.create(self._core("pods"), objects.pod(part, component, name))
                self.client.merge(self._core(f"pods/{name}/status"), objects.pod_status(component, ip))
        self.client.create(self._rollouts(), objects.rollout(part, 1, concurrent_replicas))

    def _allow_everything(self) -> None:
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{self.namespace}"
        role, bound = objects.role(), binding("operator", objects.role()["metadata"]["name"])
        self.client.create(f"{rbac}/roles", role)
        self.client.create(f"{rbac}/rolebindings", bound | {"metadata": role["metadata"]})

    def _make_simulator(self, parts: list[Part], warm_seconds: float, log: Path) -> Process:
        options: dict[str, Any] = {
            "namespace": self.namespace,
            "kubeconfig": self._kubeconfig("admin"),
            "rollouts": len(parts),
            "replicas": parts[0].replicas,
            "api-pods": parts[0].api_pods,
            "warm-seconds": warm_seconds,
            "requests-per-second": REQUESTS_PER_SECOND,
        }
        command = [sys.executable, "-m", "ci.bench.operator.simulator"]
        return Process("simulator", [*command, *(f"--{key}={value}" for key, value in options.items())], {}, log)

    def _kubeconfig(self, user: str) -> Path:
        return self.cluster.kubeconfig(user, self.namespace)

    def _core(self, kind: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/{kind}"

    def _apps(self, kind: str) -> str:
        return f"/apis/apps/v1/namespaces/{self.namespace}/{kind}"

    def _rollouts(self, name: str = "") -> str:
        return f"/apis/serving.medinfer.io/v1alpha1/namespaces/{self.namespace}/modelrollouts/{name}".rstrip("/")
