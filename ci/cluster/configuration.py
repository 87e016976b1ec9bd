"""Configuration files of containerd, CNI, the kubelet and kube-proxy; all but the first are JSON."""

import json
from pathlib import Path
from typing import Any

from ci.cluster import credentials
from ci.cluster.nodes import NODES, Node
from ci.cluster.places import DNS_SERVICE, POD_NETWORK, POD_RANGE, STATE

PROXY_FILE = STATE / "kube-proxy.json"
CNI_FOLDER = STATE / "cni"
CNI_PLUGINS = "/usr/lib/cni"
# hosts.toml in a folder of a registry's name says how the nodes reach it; read again at each pull.
REGISTRIES = STATE / "registries"
PAUSE_IMAGE = "localhost/pause:1"

# restrict_oom_score_adj: without CAP_SYS_RESOURCE, as in many sandboxes, no pod could start otherwise.
_CONTAINERD = f"""version = 2
root = "{{store}}"
state = "{{sockets}}/state"
[grpc]
  address = "{{socket}}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{REGISTRIES}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{CNI_FOLDER}"
"""


def write() -> None:
    """Files whose content is right already are not touched: kube-proxy exits when its own is written again."""
    _write(CNI_FOLDER / "10-medinfer.conflist", json.dumps(_network(), indent=2))
    _write(STATE / "resolv.conf", "nameserver 127.0.0.1\n")  # what pods do not find in the cluster is not to be found
    for node in NODES:
        _write(
            containerd_file(node), _CONTAINERD.format(store=node.store, sockets=node.sockets, socket=node.containerd)
        )
        _write(kubelet_file(node), json.dumps(_kubelet(node), indent=2))
    _write(PROXY_FILE, json.dumps(_proxy(), indent=2))


def containerd_file(node: Node) -> Path:
    return node.folder / "containerd.toml"


def kubelet_file(node: Node) -> Path:
    return node.folder / "kubelet.json"


def _network() -> dict[str, Any]:
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": POD_RANGE}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(STATE / "ipam"),
    }
    bridge = {"type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "medinfer", "plugins": [bridge | {"ipam": addresses}, ports]}


def _kubelet(node: Node) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node.address,
        "healthzPort": 0,
        "podLogsDir": str(node.folder / "pod-logs"),  # it removes those of pods that it does not know
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(credentials.AUTHORITY)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(credentials.certificate(credentials.kubelet(node))),
        "tlsPrivateKeyFile": str(credentials.private_key(credentials.kubelet(node))),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{node.cgroup}",
        "cgroupsPerQOS": True,
        "failCgroupV1": False,
        "clusterDNS": [DNS_SERVICE],
        "clusterDomain": "cluster.local",
        "resolvConf": str(STATE / "resolv.conf"),
        "containerRuntimeEndpoint": f"unix://{node.containerd}",
        "failSwapOn": False,
        # After this a changed Secret is in a pod's files. With the default of a minute tests would wait for it.
        "syncFrequency": "5s",
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": False,
    }


def _proxy() -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(credentials.kubeconfig("kube-proxy"))},
        "mode": "iptables",
        "clusterCIDR": POD_NETWORK,
        "conntrack": {"maxPerCore": 0},
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
