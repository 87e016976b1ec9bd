"""The rollout operator as a process."""

import sys
from pathlib import Path

from ci.stack.processes import Process


class Operator(Process):
    """Finds pods at the addresses that their objects name; /health and /metrics at `url`."""

    def __init__(
        self,
        name: str,
        address: str,
        namespace: str,
        kubeconfig: Path,
        folder: Path,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.url = f"http://{address}:8080"
        settings = {
            "NAMESPACE": namespace,
            "IDENTITY": name,
            "REPLICA_HOST": "{ip}",
            "ADDRESS": address,
        }
        prefixed = {f"MEDINFER_OPERATOR_{key}": value for key, value in (settings | (environment or {})).items()}
        prefixed["KUBECONFIG"] = str(kubeconfig)
        super().__init__(name, [sys.executable, "-m", "rollout_operator"], prefixed, folder / f"{name}.log")

    def wait_until_alive(self, timeout_seconds: float = 30) -> None:
        self.wait_until_ready(f"{self.url}/health", timeout_seconds)
