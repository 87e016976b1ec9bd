"""Whose share of readers and memory a request takes."""

import ipaddress

from starlette.types import Scope

from inference_api.access import clients


def of(scope: Scope) -> str:
    """The client's name, else its address; of IPv6 its /64 network, which one customer has at least.

    Behind trusted proxies the address is the one that TrustedProxies found.
    """
    if name := clients.of(scope).name:
        return name
    host = str((scope.get("client") or ("",))[0])
    return str(ipaddress.ip_network((host, 64), strict=False)) if ":" in host else host
