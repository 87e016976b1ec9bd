"""What Kubernetes' nodes and control plane consist of, and the command line of each."""

from collections.abc import Mapping

from ci.cluster import configuration, credentials
from ci.cluster.credentials import AUTHORITY, SERVICE_ACCOUNT_KEY, SERVICE_ACCOUNT_PUBLIC_KEY, certificate, private_key
from ci.cluster.daemons import Daemon
from ci.cluster.nodes import FIRST, Node
from ci.cluster.places import POD_NETWORK, SERVICE_NETWORK, STATE
from ci.stack.folders import BINARIES

ETCD_URL = "http://127.0.0.1:2379"
ETCD_PEER_URL = "http://127.0.0.1:2380"


def etcd() -> Daemon:
    return _daemon(
        "etcd",
        {
            "data-dir": STATE / "etcd",
            "listen-client-urls": ETCD_URL,
            "advertise-client-urls": ETCD_URL,
            "listen-peer-urls": ETCD_PEER_URL,
            "initial-advertise-peer-urls": ETCD_PEER_URL,
            "initial-cluster": f"default={ETCD_PEER_URL}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        },
    )


def api_server() -> Daemon:
    return _daemon(
        "kube-apiserver",
        {
            "etcd-servers": ETCD_URL,
            "secure-port": 6443,
            "bind-address": "0.0.0.0",
            "advertise-address": FIRST.address,
            "service-cluster-ip-range": SERVICE_NETWORK,
            "tls-cert-file": certificate("kube-apiserver"),
            "tls-private-key-file": private_key("kube-apiserver"),
            "client-ca-file": AUTHORITY,
            "kubelet-client-certificate": certificate("kubelet-client"),
            "kubelet-client-key": private_key("kubelet-client"),
            "kubelet-preferred-address-types": "InternalIP",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": SERVICE_ACCOUNT_PUBLIC_KEY,
            "service-account-signing-key-file": SERVICE_ACCOUNT_KEY,
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction",
            "profiling": "false",
        }
        | _aggregation(),
    )


def _aggregation() -> dict[str, object]:
    """How the API server asks others, metrics-server for one, in the name of a user."""
    return {
        "enable-aggregator-routing": "true",
        "proxy-client-cert-file": certificate("front-proxy"),
        "proxy-client-key-file": private_key("front-proxy"),
        "requestheader-client-ca-file": AUTHORITY,
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-username-headers": "X-Remote-User",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    }


def controller_manager() -> Daemon:
    return _daemon(
        "kube-controller-manager",
        _as_user("kube-controller-manager")
        | {
            "service-account-private-key-file": SERVICE_ACCOUNT_KEY,
            "root-ca-file": AUTHORITY,
            "use-service-account-credentials": "true",
            "allocate-node-cidrs": "true",
            "cluster-cidr": POD_NETWORK,
            "leader-elect": "false",
            # Up to 30 s pass until an API server that was unreachable for 30 s is found again. With the default of
            # 50 s the node would be called lost by then, and with it every pod.
            "node-monitor-grace-period": "120s",
            # As often as there can be new metrics: metrics-server has them every 10 s.
            "horizontal-pod-autoscaler-sync-period": "5s",
        },
    )


def scheduler() -> Daemon:
    return _daemon("kube-scheduler", _as_user("kube-scheduler") | {"leader-elect": "false"})


def containerd(node: Node) -> Daemon:
    return Daemon(f"{node.name}-containerd", ("containerd", "--config", str(configuration.containerd_file(node))))


def kubelet(node: Node) -> Daemon:
    name = credentials.kubelet(node)
    options = {
        "config": configuration.kubelet_file(node),
        "kubeconfig": credentials.kubeconfig(name),
        "hostname-override": node.name,
        "node-ip": node.address,
        "root-dir": node.folder / "kubelet",
    }
    return _daemon("kubelet", options, name)


def proxy() -> Daemon:
    return _daemon("kube-proxy", {"config": configuration.PROXY_FILE, "hostname-override": FIRST.name})


def _as_user(user: str) -> dict[str, object]:
    file = credentials.kubeconfig(user)
    return {"kubeconfig": file, "authentication-kubeconfig": file, "authorization-kubeconfig": file}


def _daemon(program: str, options: Mapping[str, object], name: str | None = None) -> Daemon:
    arguments = (f"--{option}={value}" for option, value in options.items())
    return Daemon(name or program, (str(BINARIES / program), *arguments))
