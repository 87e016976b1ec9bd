"""The real kustomize-controller as a process, and a Kustomization as a person sees it."""

import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Self, TypeVar

import yaml

from ci.stack.control_plane import binary
from ci.stack.folders import ROOT
from ci.stack.kubernetes import Client, Json
from ci.stack.logs import whole_lines
from ci.stack.processes import Process
from ci.stack.waiting import wait_until

# ExternalArtifact: what a test has for a GitRepository. The other: see manifests/gitops/flux/rollout.yaml.
FEATURES = ("ExternalArtifact=true", "CancelHealthCheckOnNewRevision=true")
APPLY_SECONDS = 60
APPLIED = "server-side apply completed"
MANIFESTS = ROOT / "manifests" / "gitops" / "flux"
SOURCE = "medinfer"
CRDS = ("buckets", "externalartifacts", "gitrepositories", "helmreleases", "kustomizations", "ocirepositories")

T = TypeVar("T")


class KustomizeController(Process):
    """Reconciles every namespace; its own ports are those of `address`."""

    def __init__(self, kubeconfig: Path, folder: Path, address: str) -> None:
        options = (
            "--watch-all-namespaces=true",
            "--enable-leader-election=false",
            f"--feature-gates={','.join(FEATURES)}",
            f"--metrics-addr={address}:8080",
            f"--health-addr={address}:9440",
        )
        environment = {"KUBECONFIG": str(kubeconfig), "RUNTIME_NAMESPACE": "flux-system"}
        command = [str(binary("kustomize-controller")), *options]
        super().__init__("kustomize-controller", command, environment, folder / "kustomize-controller.log")
        self._health_url = f"http://{address}:9440/readyz"

    def __enter__(self) -> Self:
        self.start()
        self.wait_until_ready(self._health_url, APPLY_SECONDS)
        return self

    def applied(self, name: str) -> list[str]:
        """What each apply did to the object of this name: `created`, `configured` or `unchanged`."""
        lines = [line for line in whole_lines(self.log) if APPLIED in line]
        outputs = [json.loads(line)["output"] for line in lines]
        return [done for output in outputs for key, done in output.items() if key.endswith(f"/{name}")]

    def apply_again(self, kustomization: "Kustomization", name: str) -> None:
        """As `flux reconcile kustomization`; returns when the object of this name was applied once more."""
        before = len(self.applied(name))
        kustomization.request()
        wait_until(lambda: len(self.applied(name)) > before, f"{name} is applied again", APPLY_SECONDS)


class Kustomization:
    """Waits raise with the conditions last seen."""

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        """That of manifests/gitops of this name, for the folder of this name in the artifact `medinfer`."""
        body = yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())
        body["spec"] |= {
            "sourceRef": {"kind": "ExternalArtifact", "name": SOURCE},
            "path": f"./{name}",
            "targetNamespace": namespace,
            "retryInterval": "5s",
        }
        self._client = client
        kustomizations = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{namespace}/kustomizations"
        self._path = f"{kustomizations}/{body['metadata']['name']}"
        self._numbers = count(1)
        body["metadata"].pop("namespace", None)
        client.apply(self._path, body)

    def status(self) -> Json:
        status: Json = self._client.get(self._path).get("status", {})
        return status

    def ready(self) -> Json:
        """The Ready condition; empty before there is one."""
        return next((one for one in self.status().get("conditions", ()) if one["type"] == "Ready"), {})

    def is_live(self, revision: str) -> bool:
        """Applied, and every health check passed."""
        return self.status().get("lastAppliedRevision") == revision and self.ready().get("status") == "True"

    def wait_for_live(self, revision: str, timeout_seconds: float) -> None:
        self._wait(lambda: self.is_live(revision), f"{revision} is live", timeout_seconds)

    def wait_for_failure(self, revision: str, timeout_seconds: float) -> str:
        """The message of its failed health check."""

        def failed() -> str | None:
            attempted, ready = self.status().get("lastAttemptedRevision"), self.ready()
            is_it = attempted == revision and ready.get("reason") == "HealthCheckFailed"
            return str(ready["message"]) if is_it else None

        return self._wait(failed, f"{revision} failed", timeout_seconds)

    def request(self) -> None:
        """Asks for it to be applied now; a health check that goes on is ended by it."""
        asked = {"reconcile.fluxcd.io/requestedAt": f"test-{next(self._numbers)}"}
        self._client.merge(self._path, {"metadata": {"annotations": asked}})

    def remove(self) -> None:
        """With what it applied; needs the controller, and returns when both are gone."""
        self._client.delete(self._path)
        wait_until(lambda: self._client.find(self._path) is None, "the Kustomization is gone", APPLY_SECONDS)

    def _wait(self, probe: Callable[[], T | None], what: str, timeout_seconds: float) -> T:
        try:
            return wait_until(probe, what, timeout_seconds, poll_seconds=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.status().get('conditions')}") from None
