"""Certificates and kubeconfigs of the cluster's components, made once for a cluster."""

import shutil
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from ci.cluster.nodes import FIRST, NODES, Node
from ci.cluster.places import API_SERVER, API_SERVICE, KUBECONFIG, STATE
from ci.stack import kubeconfig as kubeconfigs
from ci.stack.certificates import Authority, write_key, write_public_key

FOLDER = STATE / "pki"
AUTHORITY = FOLDER / "ca.crt"
SERVICE_ACCOUNT_KEY, SERVICE_ACCOUNT_PUBLIC_KEY = FOLDER / "service-account.key", FOLDER / "service-account.pub"

API_NAMES = [".".join(("kubernetes", "default", "svc", "cluster", "local")[:n]) for n in (1, 2, 3, 5)]
VALID = timedelta(days=365)
MASTERS = ("system:masters",)


def kubelet(node: Node) -> str:
    return f"{node.name}-kubelet"


# File name -> user, groups, addresses that it serves.
IDENTITIES: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "kube-apiserver": ("kube-apiserver", (), ("127.0.0.1", API_SERVICE, FIRST.address, *API_NAMES)),
    **{kubelet(node): (f"system:node:{node.name}", ("system:nodes",), (node.address,)) for node in NODES},
    "kubelet-client": ("kube-apiserver-kubelet-client", MASTERS, ()),
    "front-proxy": ("front-proxy-client", (), ()),
    "admin": ("admin", MASTERS, ()),
    "kube-controller-manager": ("system:kube-controller-manager", (), ()),
    "kube-scheduler": ("system:kube-scheduler", (), ()),
    "kube-proxy": ("system:kube-proxy", (), ()),
}
USERS = ("admin", "kube-controller-manager", "kube-scheduler", "kube-proxy", *map(kubelet, NODES))


def create() -> None:
    """Does nothing when they are there: the certificates of one cluster have one authority."""
    if KUBECONFIG.exists():
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    authority = Authority(FOLDER, VALID)
    for name, (user, groups, addresses) in IDENTITIES.items():
        issued, key = authority.issue(user, groups, addresses)
        issued.rename(certificate(name))
        key.rename(private_key(name))
    signer = ec.generate_private_key(ec.SECP256R1())
    write_key(signer, SERVICE_ACCOUNT_KEY)
    write_public_key(signer, SERVICE_ACCOUNT_PUBLIC_KEY)
    for user in reversed(USERS):  # admin's, which says that all are there, comes last
        kubeconfigs.write(
            kubeconfig(user), API_SERVER, AUTHORITY, user, (certificate(user), private_key(user)), "default"
        )


def certificate(name: str) -> Path:
    return FOLDER / f"{name}.crt"


def private_key(name: str) -> Path:
    return FOLDER / f"{name}.key"


def kubeconfig(user: str) -> Path:
    return STATE / f"{user}.kubeconfig"
