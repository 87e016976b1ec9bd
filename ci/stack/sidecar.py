"""One Triton pod as on a cluster: Triton and the agent are two processes, and each may die alone."""

import os
import sys
from pathlib import Path

import httpx
from replica_agent.settings import Settings
from replica_agent.supervise import triton_arguments

from ci.stack.http import client
from ci.stack.processes import Process
from ci.stack.replica import AGENT_PORT, ON_THIS_MACHINE, TRITON_COMMAND

RESTRICTED_KEY = "only-the-agent-knows"
_WITH_A_SERVER_ID = 'read -r id </proc/sys/kernel/random/uuid && exec "$0" "$@" "--id=medinfer-$id"'


class Sidecar:
    """`environment` is the agent's: where its plan comes from, and what else a test sets."""

    def __init__(self, name: str, address: str, folder: Path, environment: dict[str, str]) -> None:
        self.name, self.address, self.folder = name, address, folder
        plan = folder / "mounted" / "plan.json"
        settings = Settings(
            replica=name,
            plan_file=plan,
            data_dir=folder / "data",
            address=address,
            triton_address=address,
            instance_kind="KIND_CPU",
            restricted_key=RESTRICTED_KEY,
        )
        repository = settings.data_dir / "repository"
        repository.mkdir(parents=True, exist_ok=True)
        plan.parent.mkdir(parents=True, exist_ok=True)
        self.mounted_plan = plan
        self.triton = Process(f"{name}-triton", triton_command(settings, repository), {}, folder / "triton.log")
        variables = {
            "REPLICA": name,
            "PLAN_FILE": str(plan),
            "DATA_DIR": str(settings.data_dir),
            "ADDRESS": address,
            "TRITON_ADDRESS": address,
            "INSTANCE_KIND": "KIND_CPU",
            **ON_THIS_MACHINE,
        }
        prefixed = {f"MEDINFER_AGENT_{key}": value for key, value in variables.items()}
        command_line = [sys.executable, "-m", "replica_agent"]
        self.agent = Process(f"{name}-agent", command_line, prefixed | environment, folder / "agent.log")

    @property
    def agent_url(self) -> str:
        return f"http://{self.address}:{AGENT_PORT}"

    def start(self) -> None:
        self.agent.start()
        self.triton.start()

    def stop(self) -> None:
        """As the kubelet does: the sidecar ends after the main container."""
        self.triton.stop()
        self.agent.stop()

    def kill(self) -> None:
        self.triton.kill()
        self.agent.kill()

    def is_ready(self) -> bool:
        """As the readiness probe asks."""
        try:
            return client.get(f"{self.agent_url}/ready", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


def triton_command(settings: Settings, repository: Path) -> list[str]:
    """Of a Triton beside its agent, which has another server id at each start, as in a pod."""
    command = os.environ.get("MEDINFER_TRITON_COMMAND", TRITON_COMMAND)
    return ["/bin/sh", "-c", _WITH_A_SERVER_ID, command, *triton_arguments(settings, repository)]
