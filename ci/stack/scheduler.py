"""kube-scheduler next to a control plane: binds pods to nodes that a test writes. Nothing runs on these nodes."""

from typing import Self

from ci.stack.control_plane import ADDRESS, ControlPlane, free_ports, process


class Scheduler:
    """As the API server's own user for it, with its own defaults; its files lie in the control plane's folder."""

    def __init__(self, plane: ControlPlane) -> None:
        (port,) = free_ports(1)
        self._url = f"https://{ADDRESS}:{port}"
        identity = plane.kubeconfig("system:kube-scheduler")
        options = {
            "kubeconfig": identity,
            "authentication-kubeconfig": identity,
            "authorization-kubeconfig": identity,
            "bind-address": ADDRESS,
            "secure-port": port,
            "leader-elect": "false",
        }
        self._process = process("kube-scheduler", options, plane.folder)

    def __enter__(self) -> Self:
        """Returns when it has seen all nodes and pods; raises ProcessEnded with the end of the log otherwise."""
        self._process.start()
        try:
            # Its certificate is self-signed; nothing secret goes there.
            self._process.wait_until_ready(f"{self._url}/readyz", 60)
        except BaseException:
            self._process.stop(2)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop(2)
