"""kube-controller-manager next to a control plane: the autoscaler and the StatefulSet's controller, and no others."""

from typing import Self

from ci.stack.control_plane import ADDRESS, ControlPlane, free_ports, process

SYNC_SECONDS = 2  # by default the autoscaler looks every 15 s


class Controllers:
    """With an administrator's rights, as it has no service accounts; its files lie in the control plane's folder."""

    def __init__(self, plane: ControlPlane) -> None:
        (port,) = free_ports(1)
        self._url = f"https://{ADDRESS}:{port}"
        identity = plane.kubeconfig("kube-controller-manager", ("system:masters",))
        options = {
            "kubeconfig": identity,
            "authentication-kubeconfig": identity,
            "authorization-kubeconfig": identity,
            "bind-address": ADDRESS,
            "secure-port": port,
            "leader-elect": "false",
            "controllers": "horizontal-pod-autoscaler-controller,statefulset-controller",
            "horizontal-pod-autoscaler-sync-period": f"{SYNC_SECONDS}s",
        }
        self._process = process("kube-controller-manager", options, plane.folder)

    def __enter__(self) -> Self:
        """Returns when they run; raises ProcessEnded with the end of the log otherwise."""
        self._process.start()
        try:
            # Its certificate is self-signed; nothing secret goes there.
            self._process.wait_until_ready(f"{self._url}/healthz", 60)
        except BaseException:
            self._process.stop(2)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop(2)
