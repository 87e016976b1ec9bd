"""How images get onto the cluster that is in use. No registry is needed."""

import os
import subprocess
from functools import partial
from pathlib import Path

from ci.cluster import runtime
from ci.cluster.nodes import FIRST, Node
from ci.images.provide import Delivery
from ci.stack.errors import CommandFailed
from ci.stack.folders import BINARIES


def to_node(node: Node) -> Delivery:
    """Of the local cluster."""
    return Delivery(True, partial(runtime.images, node), partial(runtime.import_image, node))


def is_local() -> bool:
    """Neither CLUSTER=current nor KUBECONFIG names another cluster than our own."""
    return os.environ.get("CLUSTER") != "current" and not os.environ.get("KUBECONFIG")


def choose_delivery() -> Delivery:
    """Raises CommandFailed for a cluster that takes no archives."""
    if is_local():
        return to_node(FIRST)
    command = load_command(_ask(str(BINARIES / "kubectl"), "config", "current-context"))
    return Delivery(False, set, partial(_load, command))


def load_command(context: str) -> list[str]:
    """To which the archive's path is added; raises CommandFailed for a cluster that takes none."""
    commands = {
        "kind-": ["kind", "load", "image-archive", "--name", context.removeprefix("kind-")],
        "k3d-": ["k3d", "image", "import", "--cluster", context.removeprefix("k3d-")],
        "minikube": ["minikube", "image", "load"],
    }
    for kind, command in commands.items():
        if context.startswith(kind):
            return command
    raise CommandFailed(f"context {context} is no kind, k3d or minikube: push the images to a registry it can reach")


def _load(command: list[str], file: Path) -> None:
    subprocess.run([*command, str(file)], check=True)


def _ask(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
