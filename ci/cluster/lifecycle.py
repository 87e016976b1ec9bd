"""The cluster's beginning and end. Both may be asked for again at any moment, and after any failure."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from ci.cluster import components, configuration, credentials, network, runtime
from ci.cluster.daemons import Daemon
from ci.cluster.errors import ClusterFailed
from ci.cluster.places import BINARIES, KUBECONFIG, NODE, SOCKETS, STATE

ADDONS = Path(__file__).with_name("addons.yaml")
PROGRAMS = ("containerd", "runc", "iptables", "conntrack", "ip", "nsenter", configuration.CNI_PLUGINS + "/bridge")


def up() -> None:
    """Returns when the node is Ready; seconds."""
    check_machine()
    for folder in (STATE, Path(SOCKETS)):
        folder.mkdir(parents=True, exist_ok=True)
    network.create()
    runtime.create_cgroups()
    credentials.create()
    configuration.write()
    start_control_plane()
    start_node()


def check_machine() -> None:
    if os.geteuid() != 0:
        raise ClusterFailed("a Kubernetes node needs root: run make up as root, or use another cluster: KUBECONFIG=...")
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise ClusterFailed(f"missing: {', '.join(missing)}; run ci/install-packages cluster")


def start_control_plane() -> None:
    etcd, api_server = components.etcd(), components.api_server()
    etcd.start()
    api_server.start()
    # Their rights are written by the API server when it starts: before that it would turn them away.
    wait(lambda: kubectl("get", "--raw", "/readyz").returncode == 0, api_server)
    components.controller_manager().start()
    components.scheduler().start()


def start_node() -> None:
    containerd, kubelet = components.containerd(), components.kubelet()
    containerd.start()
    wait(runtime.takes_pods, containerd)
    kubelet.start()
    components.proxy().start()
    wait(is_node_ready, kubelet)


def add_addons() -> None:
    """DNS and metrics-server, once their images are there."""
    done = kubectl("apply", "--server-side", "-f", str(ADDONS))
    if done.returncode != 0:
        raise ClusterFailed(done.stderr)
    done = kubectl("-n", "kube-system", "rollout", "status", "deployment", "--timeout=120s")
    if done.returncode != 0:
        raise ClusterFailed(f"DNS or metrics-server did not start: {done.stderr}")


def down() -> None:
    """Nothing is asked to end in order: nothing of it is kept but images."""
    for make in (components.kubelet, components.proxy, components.scheduler, components.controller_manager):
        make().kill()
    for make in (components.api_server, components.etcd):
        make().kill()
    if runtime.is_up():
        runtime.remove_containers()
    components.containerd().kill(signal.SIGTERM)
    runtime.remove_leftovers()
    network.delete()
    shutil.rmtree(SOCKETS, ignore_errors=True)
    shutil.rmtree(STATE, ignore_errors=True)


def is_node_ready() -> bool:
    condition = '{.status.conditions[?(@.type=="Ready")].status}'
    return kubectl("get", "node", NODE, "-o", f"jsonpath={condition}").stdout == "True"


def kubectl(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BINARIES / "kubectl"), "--kubeconfig", str(KUBECONFIG), "--request-timeout=10s", *arguments]
    return subprocess.run(network.inside(command), capture_output=True, text=True)


def wait(ready: Callable[[], bool], daemon: Daemon, timeout_seconds: float = 120) -> None:
    """Raises ClusterFailed with the end of the daemon's log when it ends, or the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if daemon.pid() is None or time.monotonic() > deadline:
            raise ClusterFailed(f"{daemon.name} did not start; {daemon.log} ends with:\n{daemon.log_tail()}")
        time.sleep(0.2)
