"""One Triton replica: an agent in stand-alone form, which starts Triton, on a loopback address of its own."""

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import psutil

from ci.stack import documents
from ci.stack.folders import ROOT
from ci.stack.http import client
from ci.stack.processes import Process

AGENT_PORT = 8080
ON_THIS_MACHINE = {"ALLOWED_PREFIXES": "file:/ http:// https:// oci:// s3://", "ALLOW_LOCAL_ADDRESSES": "true"}
TRITON_COMMAND = str(ROOT / "services" / "triton" / "tritonserver")


class Replica(Process):
    """Triton's HTTP at `url`, the agent at `agent_url`; `plan_file` is this replica's own."""

    def __init__(self, name: str, address: str, folder: Path, environment: dict[str, str] | None = None) -> None:
        self.address, self.folder, self.plan_file = address, folder, folder / "plan.json"
        settings = {
            "REPLICA": name,
            "PLAN_FILE": str(self.plan_file),
            "DATA_DIR": str(folder / "data"),
            "ADDRESS": address,
            "TRITON_ADDRESS": address,
            "TRITON_COMMAND": os.environ.get("MEDINFER_TRITON_COMMAND", TRITON_COMMAND),
            "INSTANCE_KIND": "KIND_CPU",
            **ON_THIS_MACHINE,
        }
        prefixed = {f"MEDINFER_AGENT_{key}": value for key, value in (settings | (environment or {})).items()}
        super().__init__(name, [sys.executable, "-m", "replica_agent"], prefixed, folder / "agent.log")

    @property
    def url(self) -> str:
        return f"http://{self.address}:8000"

    @property
    def agent_url(self) -> str:
        return f"http://{self.address}:{AGENT_PORT}"

    def follow(self, plan: documents.Json) -> None:
        documents.write(plan, self.plan_file)

    def state(self) -> dict[str, Any]:
        """The agent's /state; raises httpx.TransportError while it is down."""
        body: dict[str, Any] = client.get(f"{self.agent_url}/state", timeout=5).raise_for_status().json()
        return body

    def version_state(self, version: int) -> str:
        """`Warm`, `Failed`, ...; empty when the agent does not know the version or is down."""
        try:
            versions = self.state()["versions"]
        except httpx.HTTPError:
            return ""
        return next((str(entry["state"]) for entry in versions if entry["version"] == version), "")

    def wait_until_warm(self, timeout_seconds: float = 120) -> None:
        self.wait_until_ready(f"{self.agent_url}/ready", timeout_seconds)

    def triton_pid(self) -> int | None:
        """Process id of tritonserver, None while it is down."""
        for process in psutil.Process(self.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # it ended since it was listed
                if process.name() == "tritonserver":
                    return process.pid
        return None

    def kill_triton(self) -> None:
        pid = self.triton_pid()
        assert pid is not None, f"{self.name}: no tritonserver to kill"
        os.kill(pid, signal.SIGKILL)
