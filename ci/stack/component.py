"""Another part of Kubernetes' control plane, next to an API server and etcd."""

from typing import Self

from ci.stack.control_plane import ADDRESS, ControlPlane, free_ports, process


class Component:
    """`program`: kube-scheduler or kube-controller-manager. `user`: who it is for the API server, with `groups`.

    Its files lie in the control plane's folder. `path`: what it answers once it runs.
    """

    def __init__(
        self,
        plane: ControlPlane,
        program: str,
        user: str,
        path: str,
        groups: tuple[str, ...] = (),
        **options: str,
    ) -> None:
        (port,) = free_ports(1)
        self._ready_url = f"https://{ADDRESS}:{port}{path}"
        identity = plane.kubeconfig(user, groups)
        given: dict[str, object] = {
            "kubeconfig": identity,
            "authentication-kubeconfig": identity,
            "authorization-kubeconfig": identity,
            "bind-address": ADDRESS,
            "secure-port": port,
            "leader-elect": "false",
        }
        given |= {name.replace("_", "-"): value for name, value in options.items()}
        self._process = process(program, given, plane.folder)

    def __enter__(self) -> Self:
        """Returns when it is ready; raises ProcessEnded with the end of the log otherwise."""
        self._process.start()
        try:
            # Its certificate is self-signed; nothing secret goes there.
            self._process.wait_until_ready(self._ready_url, 60)
        except BaseException:
            self._process.stop(2)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop(2)


def scheduler(plane: ControlPlane) -> Component:
    """Binds pods to nodes that a test writes, by its own defaults. Ready when it has seen all nodes and pods."""
    return Component(plane, "kube-scheduler", "system:kube-scheduler", "/readyz")


def controllers(plane: ControlPlane) -> Component:
    """The autoscaler, which looks every 2 s instead of 15, and the StatefulSet's controller.

    With an administrator's rights, as there are no service accounts.
    """
    return Component(
        plane,
        "kube-controller-manager",
        "kube-controller-manager",
        "/healthz",
        ("system:masters",),
        controllers="horizontal-pod-autoscaler-controller,statefulset-controller",
        horizontal_pod_autoscaler_sync_period="2s",
    )
