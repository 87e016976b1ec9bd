"""The cluster's beginning and end. Both may be asked for again at any moment, and after any failure."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ci.cluster import cgroups, components, configuration, credentials, network, runtime
from ci.cluster.daemons import Daemon
from ci.cluster.nodes import FIRST, NODES, Node
from ci.cluster.places import KUBECONFIG, SOCKETS, STATE
from ci.stack.errors import CommandFailed
from ci.stack.folders import BINARIES

ADDONS = Path(__file__).with_name("addons.yaml")
PROGRAMS = ("containerd", "runc", "iptables", "conntrack", "ip", "nsenter", configuration.CNI_PLUGINS + "/bridge")


def up() -> None:
    """Returns when the first node is Ready; seconds."""
    check_machine()
    for folder in (STATE, Path(SOCKETS)):
        folder.mkdir(parents=True, exist_ok=True)
    network.create()
    credentials.create()
    configuration.write()
    start_control_plane()
    components.proxy().start()
    start_containerd(FIRST)
    start_kubelet(FIRST)


def check_machine() -> None:
    if os.geteuid() != 0:
        raise CommandFailed("a Kubernetes node needs root: run make up as root, or use another cluster: KUBECONFIG=...")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise CommandFailed(f"missing: {', '.join(missing)}; run ci/install-packages cluster")


def start_control_plane() -> None:
    etcd, api_server = components.etcd(), components.api_server()
    etcd.start()
    api_server.start()
    # The API server writes their rights when it starts. Until then it would refuse them.
    wait(lambda: kubectl("get", "--raw", "/readyz").returncode == 0, api_server)
    components.controller_manager().start()
    components.scheduler().start()


def start_containerd(node: Node) -> None:
    """Raises CommandFailed when there is no cluster."""
    if not configuration.containerd_file(node).exists():
        raise CommandFailed("the local cluster is not up: run make up")
    containerd = components.containerd(node)
    containerd.start()
    wait(lambda: runtime.takes_pods(node), containerd)


def start_kubelet(node: Node) -> None:
    """Returns when the node is Ready: pods come to it from now on, and find the images that it has."""
    cgroups.create(node)
    kubelet = components.kubelet(node)
    kubelet.start()
    wait(lambda: is_node_ready(node), kubelet)


def stop_node(node: Node) -> None:
    """Nothing is asked to end in order: nothing of it is kept but images."""
    components.kubelet(node).kill()
    if runtime.is_up(node):
        runtime.remove_containers(node)
    components.containerd(node).kill(signal.SIGTERM)
    runtime.remove_leftovers(node)


def add_addons() -> None:
    """DNS and metrics-server, once their images are there."""
    done = kubectl("apply", "--server-side", "-f", str(ADDONS))
    if done.returncode != 0:
        raise CommandFailed(done.stderr)
    done = kubectl("-n", "kube-system", "rollout", "status", "deployment", "--timeout=120s")
    if done.returncode != 0:
        raise CommandFailed(f"DNS or metrics-server did not start: {done.stderr}")


def down() -> None:
    """Leaves images only."""
    for make in (components.proxy, components.scheduler, components.controller_manager):
        make().kill()
    for make in (components.api_server, components.etcd):
        make().kill()
    for node in NODES:
        stop_node(node)
    network.delete()
    shutil.rmtree(SOCKETS, ignore_errors=True)
    shutil.rmtree(STATE, ignore_errors=True)


def is_node_ready(node: Node) -> bool:
    condition = '{.status.conditions[?(@.type=="Ready")].status}'
    return kubectl("get", "node", node.name, "-o", f"jsonpath={condition}").stdout == "True"


def kubectl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BINARIES / "kubectl"), "--kubeconfig", str(KUBECONFIG), "--request-timeout=10s", *arguments]
    return subprocess.run(network.inside(command), capture_output=True, text=True)


def wait(ready: Callable[[], bool], daemon: Daemon, timeout_seconds: float = 120) -> None:
    """Raises CommandFailed with the end of the daemon's log when it ends, or the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if daemon.pid() is None or time.monotonic() > deadline:
            raise CommandFailed(f"{daemon.name} did not start; {daemon.log} ends with:\n{daemon.log_tail()}")
        time.sleep(0.2)
