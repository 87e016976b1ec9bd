"""kubectl as admin of one namespace."""

import subprocess
from pathlib import Path

from ci.stack.control_plane import binary


class KubectlFailed(Exception):
    """The message is kubectl's."""


class Kubectl:
    def __init__(self, kubeconfig: Path) -> None:
        self._environment = {"KUBECONFIG": str(kubeconfig), "HOME": "/nonexistent"}

    def run(self, *arguments: str, document: str = "") -> str:
        """Its output and its warnings; raises KubectlFailed."""
        command = [str(binary("kubectl")), *arguments]
        done = subprocess.run(
            command, env=self._environment, input=document, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise KubectlFailed(done.stderr.strip())
        return done.stdout + done.stderr

    def dry_run(self, manifest: str) -> str:
        """As the API server would take it: fields validated strictly, admission asked, nothing stored."""
        options = ("--server-side", "--dry-run=server", "--validate=strict", "--field-manager=tests")
        return self.run("apply", *options, "-f", "-", document=manifest)
