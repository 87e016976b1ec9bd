"""etcd and kube-apiserver on loopback: a real API server, no nodes, no controllers. `ci/cluster/build` makes them."""

import random
import signal
import socket
import ssl
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec

from ci.stack import kubeconfig
from ci.stack.certificates import Authority, write_key, write_public_key
from ci.stack.folders import BINARIES, ROOT
from ci.stack.processes import Process

ADDRESS = "127.0.0.1"
# Below the range that the kernel gives to clients: while the API server is down no other process may take its port.
PORTS = range(20_000, 32_000)
# They live for minutes and hold little: collecting garbage a quarter as often saves a tenth of their CPU.
GO_ENVIRONMENT = {"GOGC": "400"}


def binary(name: str) -> Path:
    """Raises FileNotFoundError that names the command to run."""
    path = BINARIES / name
    if not path.exists():
        raise FileNotFoundError(f"{path.relative_to(ROOT)} is missing: run ci/cluster/build {name}")
    return path


class ControlPlane:
    """RBAC is on. Several can run at the same time; each has free ports of its own and all its files in `folder`.

    Pods need no service account, as no controller makes them; nothing starts, schedules or evicts a pod.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        port, etcd_port, peer_port = free_ports(3)
        self.url = f"https://{ADDRESS}:{port}"
        self._authority = Authority(folder / "pki")
        self._etcd_url = f"http://{ADDRESS}:{etcd_port}"
        self.etcd = self._make_etcd(f"http://{ADDRESS}:{peer_port}")
        self.api_server = self._make_api_server(port)

    @property
    def certificate(self) -> Path:
        """Of the authority that signed the API server's."""
        return self._authority.certificate

    def start(self) -> None:
        """Returns when the API server is ready; raises ProcessEnded with the end of the log otherwise."""
        self.etcd.start()
        self.etcd.wait_until_ready(f"{self._etcd_url}/readyz", 60)
        self.start_api_server()

    def stop(self) -> None:
        self.api_server.stop(2)
        self.etcd.stop(5)

    def start_api_server(self, timeout_seconds: float = 90) -> None:
        """Returns when it is ready; does nothing more when it runs."""
        if not self.api_server.is_running():
            self.api_server.start()
        self.api_server.wait_until_ready(f"{self.url}/readyz", timeout_seconds, self.ssl_context())

    def stop_api_server(self, timeout_seconds: float = 20) -> None:
        """SIGTERM: watches are closed in order. What it stored stays."""
        self.api_server.stop(timeout_seconds)

    def kill_api_server(self) -> None:
        """SIGKILL: connections break at once. What it stored stays."""
        self.api_server.kill()

    def freeze_api_server(self) -> None:
        """SIGSTOP: it accepts connections and never answers, until `thaw_api_server`."""
        self.api_server.signal(signal.SIGSTOP)

    def thaw_api_server(self) -> None:
        self.api_server.signal(signal.SIGCONT)

    def kubeconfig(
        self, user: str = "admin", groups: tuple[str, ...] | None = None, namespace: str = "default"
    ) -> Path:
        """File with a client certificate of this user; `admin` is in system:masters, others are in no group."""
        if groups is None:
            groups = ("system:masters",) if user == "admin" else ()
        keys = self._authority.issue(user, groups)
        path = self.folder / f"{keys[0].stem}.{namespace}.kubeconfig"
        kubeconfig.write(path, self.url, self._authority.certificate, user, keys, namespace)
        return path

    def ssl_context(self, user: str = "admin", groups: tuple[str, ...] = ("system:masters",)) -> ssl.SSLContext:
        """For an HTTP client of our own."""
        context = ssl.create_default_context(cafile=self._authority.certificate)
        context.load_cert_chain(*self._authority.issue(user, groups))
        return context

    def _make_etcd(self, peer_url: str) -> Process:
        options = {
            "data-dir": self.folder / "etcd",
            "listen-client-urls": self._etcd_url,
            "advertise-client-urls": self._etcd_url,
            "listen-peer-urls": peer_url,
            "initial-advertise-peer-urls": peer_url,
            "initial-cluster": f"default={peer_url}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }
        return process("etcd", options, self.folder)

    def _make_api_server(self, port: int) -> Process:
        certificate, key = self._authority.issue("kube-apiserver", addresses=(ADDRESS,))
        signer, private, public = (
            ec.generate_private_key(ec.SECP256R1()),
            self.folder / "sa.key",
            self.folder / "sa.pub",
        )
        write_key(signer, private)
        write_public_key(signer, public)
        options = {
            "etcd-servers": self._etcd_url,
            "bind-address": ADDRESS,
            "advertise-address": ADDRESS,
            "secure-port": port,
            "service-cluster-ip-range": "10.96.0.0/24",
            "endpoint-reconciler-type": "none",
            "tls-cert-file": certificate,
            "tls-private-key-file": key,
            "client-ca-file": self._authority.certificate,
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": public,
            "service-account-signing-key-file": private,
            "authorization-mode": "RBAC",
            "disable-admission-plugins": "ServiceAccount",
            "profiling": "false",
        }
        return process("kube-apiserver", options, self.folder)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def free_ports(count: int) -> list[int]:
    """Distinct ports of ADDRESS on which nothing listens."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            if probe.connect_ex((ADDRESS, port)) != 0:
                found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports on {ADDRESS} between {PORTS.start} and {PORTS.stop}")


def process(name: str, options: dict[str, object], folder: Path) -> Process:
    """The binary of this name, not started; its log lies in `folder`."""
    command = [str(binary(name)), *(f"--{option}={value}" for option, value in options.items())]
    return Process(name, command, GO_ENVIRONMENT, folder / f"{name}.log")
