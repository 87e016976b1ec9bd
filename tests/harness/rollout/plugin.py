"""`kubectl modelrollout` as a person types it."""

import os
import subprocess
from pathlib import Path

from ci.stack.control_plane import binary
from ci.stack.folders import ROOT
from tests.harness.rollout.namespace import Namespace


def run(
    namespace: Namespace, *arguments: str, user: str = "admin", kubeconfig: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """kubectl finds the plug-in on PATH."""
    environment = os.environ | {
        "KUBECONFIG": str(kubeconfig or namespace.kubeconfig(user)),
        "PATH": f"{ROOT / '.venv/bin'}:{os.environ['PATH']}",
    }
    command = [str(binary("kubectl")), "modelrollout", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)


def done(namespace: Namespace, *arguments: str) -> str:
    ended = run(namespace, *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
