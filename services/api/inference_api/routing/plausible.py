"""Whether a valid document may be put in force: not from the future, and with no replica but the own ones. Pure."""

import ipaddress
from collections.abc import Sequence

from medinfer_common.revisions import refuse_ahead

from inference_api.routing.document import Routes


def refuse(routes: Routes, now_seconds: float, hosts: Sequence[str]) -> str | None:
    """Why the routes are not obeyed; None when they may be. `hosts`: as the settings say it, empty for any."""
    if reason := refuse_ahead(routes.revision, now_seconds):
        return reason
    foreign = next((one for one in routes.replicas if hosts and not _is_own(one.host, hosts)), None)
    if foreign is not None:
        return (
            f"replicas: {foreign.name} is at {foreign.host[:100]}, which is none of the own replicas "
            f"({', '.join(hosts)}); leave the document to the operator, and find out who wrote this one"
        )
    return None


def _is_own(host: str, hosts: Sequence[str]) -> bool:
    """`hosts`: names, `*.` with what a name ends with, and address ranges."""
    host = host.lower().rstrip(".")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in hosts)
    return any(_holds(one, address) for one in hosts)


def _holds(text: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether `text` is an address range with that address; a name holds none."""
    try:
        return address in ipaddress.ip_network(text)
    except ValueError:
        return False
