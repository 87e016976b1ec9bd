"""Whose share of readers and memory a request takes."""

import ipaddress

from starlette.types import Scope

from inference_api.access import clients
from inference_api.process.trusted_proxies import parse_address


def of(scope: Scope) -> str:
    """The client's name, else its address; of IPv6 its /64 network, which one customer has at least.

    Behind trusted proxies the address is the one that TrustedProxies found.
    """
    if name := clients.of(scope).name:
        return name
    host = str((scope.get("client") or ("",))[0])
    address = parse_address(host.partition("%")[0]) if ":" in host else None
    if address is None:
        return host
    return str(ipaddress.ip_network((address, 64), strict=False) if address.version == 6 else address)
