"""The client's address behind proxies, which is believed only from proxies that the settings name."""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Headers = Iterable[tuple[bytes, bytes]]

MAX_HOPS = 16  # a client behind more proxies has the address of the sixteenth


class TrustedProxies:
    """Puts the client's address in place of the proxy's into `scope["client"]`, for all that is done by address.

    Nothing here is logged: the headers are a client's text.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[Network]) -> None:
        self._app = app
        self._networks = tuple(networks)
        self._as_proxy = lru_cache(maxsize=1024)(self._parse_proxy)  # there are few, and each sends many requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope.get("client")
        if scope["type"] == "http" and peer and (proxy := self._as_proxy(peer[0])) is not None:
            scope["client"] = (str(client_address(proxy, scope["headers"], self._networks)), 0)
        await self._app(scope, receive, send)

    def _parse_proxy(self, peer: str) -> Address | None:
        """The peer's address where it is a trusted proxy."""
        address = parse_address(peer)
        return address if address is not None and _is_in(address, self._networks) else None


def client_address(proxy: Address, headers: Headers, networks: Sequence[Network]) -> Address:
    """Who sent the request, told by `proxy`, which is trusted.

    Each proxy appends the address that it got the request from. So the header is read from its end, as long as it names
    trusted proxies; all before that a client can write itself. What is not an address ends it, too. A proxy writes
    X-Forwarded-For or Forwarded (RFC 7239) and lets a client's other one pass: if they differ, neither is believed.
    """
    values = {b"x-forwarded-for": b"", b"forwarded": b""}
    for name, value in headers:
        if name in values:
            values[name] = values[name] + b"," + value if values[name] else value
    x_forwarded_for, forwarded = values.values()
    found = {
        _last_untrusted(proxy, hops, networks)
        for text, hops in ((x_forwarded_for, _listed(x_forwarded_for)), (forwarded, _elements(forwarded)))
        if text
    }
    return found.pop() if len(found) == 1 else proxy


def _last_untrusted(proxy: Address, hops: Iterator[bytes], networks: Sequence[Network]) -> Address:
    address = proxy
    for hop, _ in zip(hops, range(MAX_HOPS), strict=False):
        told = parse_node(hop)
        if told is None:
            break
        address = told
        if not _is_in(address, networks):
            break
    return address


def _listed(text: bytes) -> Iterator[bytes]:
    """The members of a list, the last one first. None is split before it is asked for: the list may be long."""
    while text:
        text, _, member = text.rpartition(b",")
        yield member


def _elements(text: bytes) -> Iterator[bytes]:
    """The `for` of each element of Forwarded, the last one first; empty where it has none, or more than one."""
    for element in _listed(text):
        pairs = [pair.partition(b"=") for pair in element.split(b";")]
        nodes = [value.strip() for name, _, value in pairs if name.strip().lower() == b"for"]
        yield nodes[0] if len(nodes) == 1 else b""


def parse_node(text: bytes) -> Address | None:
    """An address as proxies write it, with or without port; None where it is anything else.

    >>> parse_node(b' "[2001:db8::1]:4711"'), parse_node(b"192.0.2.1:80"), parse_node(b"unknown")
    (IPv6Address('2001:db8::1'), IPv4Address('192.0.2.1'), None)
    """
    node = text.strip()
    if len(node) > 1 and node[:1] == node[-1:] == b'"':
        node = node[1:-1]
    if node.startswith(b"["):
        node = node[1:].partition(b"]")[0]
    elif node.count(b":") == 1:
        node = node.partition(b":")[0]
    return parse_address(node.decode("latin-1"))


def parse_address(text: str) -> Address | None:
    """An address without zone; IPv4 written as IPv6 (`::ffff:192.0.2.1`) is IPv4."""
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, ipaddress.IPv6Address) else address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
