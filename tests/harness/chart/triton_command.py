"""The chart's command for Triton, for a machine that is no pod."""

from pathlib import Path

from tests.harness.chart.helm import containers, pod_templates, render


def triton_command(shared_memory: Path) -> list[str]:
    """With this folder for /dev/shm: it empties it, and the machine's own holds what other Tritons share right now."""
    template = pod_templates(render())["StatefulSet/medinfer-triton"]
    command = next(one["command"] for one in containers(template) if one["name"] == "triton")
    return [part.replace("/dev/shm", str(shared_memory)) for part in command]
