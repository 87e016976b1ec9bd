"""The chart's command for Triton, for a machine that is no pod."""

from pathlib import Path

from ci.stack.replica import TRITON_COMMAND
from tests.harness.chart.helm import containers, pod_templates, render

BACKENDS = Path(TRITON_COMMAND).parent / ".venv" / "backends"


def triton_command(folder: Path) -> list[str]:
    """With `folder`/shm for /dev/shm, which it empties and other Tritons share right now, and `folder`/backends."""
    template = pod_templates(render())["StatefulSet/medinfer-triton"]
    command = next(one["command"] for one in containers(template) if one["name"] == "triton")
    return [in_folder(part, folder).replace("/opt/tritonserver/backends", str(BACKENDS)) for part in command]


def in_folder(argument: str, folder: Path) -> str:
    """The argument with what the pod has of its own in `folder`."""
    return argument.replace("/dev/shm", f"{folder}/shm").replace("/tmp/backends", f"{folder}/backends")
