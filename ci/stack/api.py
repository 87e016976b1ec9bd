"""The API as gunicorn runs it, on two ports of a loopback address."""

import os
import subprocess
import sys
from pathlib import Path

from ci.stack import documents
from ci.stack.processes import Process


class Api(Process):
    """Serves clients at `url`, and operator, probes and scrapes at `inner_url`, one port higher.

    Follows `routes_file`, which several APIs may share.
    """

    def __init__(
        self,
        name: str,
        bind: str,
        folder: Path,
        routes_file: Path | None = None,
        workers: int = 1,
        environment: dict[str, str] | None = None,
        kubeconfig: Path | None = None,
    ) -> None:
        self.host, _, port = bind.rpartition(":")
        inner_bind = f"{self.host}:{int(port) + 1}"
        self.url, self.inner_url = f"http://{bind}", f"http://{inner_bind}"
        self.routes_file = routes_file or folder / "routes.json"
        settings = {
            "ROUTES_FILE": str(self.routes_file),
            "BIND": bind,
            "INNER_BIND": inner_bind,
            "WORKERS": str(workers),
            "RUNTIME_DIR": str(folder / name),
        }
        prefixed = {f"MEDINFER_API_{key}": value for key, value in (settings | (environment or {})).items()}
        if kubeconfig:
            prefixed["KUBECONFIG"] = str(kubeconfig)
        command = [
            sys.executable,
            "-m",
            "gunicorn",
            "-c",
            "services/api/gunicorn.conf.py",
            "inference_api.main:create()",
        ]
        super().__init__(name, command, prefixed, folder / f"{name}.log")

    def follow(self, routes: documents.Json) -> None:
        documents.write(routes, self.routes_file)

    def run_prestop(self) -> None:
        """As the kubelet does before it ends a pod; returns when no connection is open."""
        command = [sys.executable, "-m", "inference_api.process.prestop"]
        subprocess.run(command, env=os.environ | self.environment, check=True, timeout=60)

    def wait_until_serving(self, timeout_seconds: float = 90) -> None:
        self.wait_until_ready(f"{self.inner_url}/ready", timeout_seconds)
