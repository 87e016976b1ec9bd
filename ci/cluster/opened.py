"""Services of the cluster on this machine's loopback: `make open`.

The local cluster is in a network namespace of its own. Sockets that listen here are handed to a process there.
"""

import os
import socket
import sys
from dataclasses import dataclass

from ci.cluster import chart, network, observers
from ci.cluster.delivery import is_local
from ci.stack.errors import CommandFailed

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Door:
    """A Service, whose `port` is the same here."""

    title: str
    namespace: str
    service: str
    port: int
    path: str = "/"


OURS = Door("the page", chart.NAMESPACE, "medinfer-api", 8002)
OBSERVERS = (
    Door("Prometheus", observers.NAMESPACE, "prometheus", 9090, "/query"),
    Door("traces, in Jaeger", observers.NAMESPACE, "jaeger", 16686),
)


def open_all() -> None:
    """Until Ctrl-C. On another cluster it prints the commands. Raises CommandFailed when a port is taken."""
    doors = (OURS, *OBSERVERS) if observers.are_there() else (OURS,)
    if not is_local():
        for door in doors:
            print(f"kubectl -n {door.namespace} port-forward service/{door.service} {door.port}  # {door.title}")
        return
    forwards = [f"{listen(door.port)}={address(door)}:{door.port}" for door in doors]
    for door in doors:
        print(f"{door.title + ':':20}http://{HOST}:{door.port}{door.path}", flush=True)
    print("Ctrl-C closes them.", flush=True)
    command = network.inside([sys.executable, "-m", "ci.cluster.forward", *forwards])
    os.execvp(command[0], command)


def listen(port: int) -> int:
    """The number of a socket that the next program keeps."""
    try:
        made = socket.create_server((HOST, port))
    except OSError as error:
        raise CommandFailed(f"port {port} of this machine cannot be opened: {error.strerror}") from None
    made.set_inheritable(True)
    return made.detach()


def address(door: Door) -> str:
    found = chart.run(
        "kubectl", "-n", door.namespace, "get", "service", door.service, "-o", "jsonpath={.spec.clusterIP}"
    )
    return found.strip()
