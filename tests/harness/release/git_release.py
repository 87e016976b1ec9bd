"""A release of the chart whose ModelRollout lies in git: the real kustomize-controller runs next to the cluster."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import httpx
import yaml

from ci.cluster import chart
from ci.stack.control_plane import binary
from ci.stack.kubernetes import Client
from ci.stack.processes import Process
from tests.harness.chart import helm
from tests.harness.flux import CRDS, Kustomization, KustomizeController
from tests.harness.git_source import GitSource
from tests.harness.release.release import Release, run

ADDRESS = "127.0.0.83"
READY_SECONDS = 60


class GitRelease:
    """The stack is installed by helm without a rollout. The controllers run while this is open."""

    def __init__(self, release: Release, folder: Path) -> None:
        self.release, self._folder = release, folder
        self._running = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as running:
            self.release.install(settings={"rollout.enabled": "false"})
            files = [part for kind in CRDS for part in ("--filename", str(binary(f"{kind}.yaml")))]
            run("kubectl", "apply", "--server-side", *files)
            run("kubectl", "wait", "--for=condition=Established", *files, f"--timeout={READY_SECONDS}s")
            client = self._client(running)
            self.git = running.enter_context(GitSource(client, self.release.namespace, self._folder, ADDRESS))
            kubeconfig = Path(os.environ["KUBECONFIG"])
            running.enter_context(KustomizeController(kubeconfig, self._folder, ADDRESS))
            self.git.commit("Nothing is wanted yet", {"rollout/kustomization.yaml": "resources: []\n"})
            self.rollout = Kustomization(client, self.release.namespace, "rollout")
            running.callback(self.rollout.remove)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def commit(self, version: int) -> str:
        """The revision of a commit that wants this version: the ModelRollout that the chart would make of it."""
        settings = {"rollout.enabled": "true"} | chart.artifact_settings(self.release.model, version)
        objects = helm.render(*self.release.values, settings=[f"{name}={value}" for name, value in settings.items()])
        (rollout,) = helm.of_kind(objects, "ModelRollout").values()
        files = {"kustomization.yaml": "resources: [modelrollout.yaml]\n", "modelrollout.yaml": yaml.safe_dump(rollout)}
        return self.git.commit(f"Version {version}", {f"rollout/{name}": text for name, text in files.items()})

    def _client(self, running: ExitStack) -> Client:
        """As whoever the kubeconfig names, by whatever means it has."""
        command = [
            str(binary("kubectl")),
            "proxy",
            f"--address={ADDRESS}",
            f"--accept-hosts=^{ADDRESS}$",
            "--port=8001",
        ]
        proxy = Process("kubectl-proxy", command, dict(os.environ), self._folder / "kubectl-proxy.log")
        running.callback(proxy.stop)
        proxy.start()
        proxy.wait_until_ready(f"http://{ADDRESS}:8001/readyz", READY_SECONDS)
        client = Client(httpx.Client(base_url=f"http://{ADDRESS}:8001", timeout=10))
        running.callback(client.close)
        return client
