"""Refuses requests for other hosts: else a web page can rebind its own name to this address and read the answers."""

import ipaddress
from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from inference_api import problems, request_ids


class AllowedHosts:
    """Passes on what is addressed to one of `hosts`, to an IP address, or to `localhost`.

    `*.example.org` stands for every name below it. Probes, Prometheus and the operator address pods by IP, which no
    name can be rebound to. `note_refusal(kind)` counts.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str], note_refusal: Callable[[str], None]) -> None:
        names = {"localhost", *(host.lower() for host in hosts)}
        self._app = app
        self._names = frozenset(names)
        self._suffixes = tuple(name[1:] for name in names if name.startswith("*."))
        self._note_refusal = note_refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._is_allowed(scope["headers"]):
            await self._app(scope, receive, send)
            return
        problem = problems.misdirected()
        self._note_refusal(problem.kind)
        await problems.response(problem, request_ids.of(scope))(scope, receive, send)

    def _is_allowed(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """HTTP/1.0 names no host. Of several, each must be allowed."""
        return all(self._is_ours(host_name(value)) for name, value in headers if name == b"host")

    def _is_ours(self, name: str) -> bool:
        return name in self._names or name.endswith(self._suffixes) or _is_address(name)


def host_name(header: bytes) -> str:
    """The name in a Host header, without port and final dot.

    >>> host_name(b"Medinfer.Example.Org.:8002"), host_name(b"[::1]:8002")
    ('medinfer.example.org', '::1')
    """
    text = header.decode("latin-1").strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
