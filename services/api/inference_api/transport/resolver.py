"""Resolves the names of replicas apart from connecting to them, and keeps addresses while the name server is slow.

A lookup may take seconds when the name server is overloaded or loses a packet, although the replica is fine. There is
one lookup per name at a time, and it goes on when the request that waits for it ends. An address is kept until a
connection to it ends or cannot be made: then another pod may have it.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from inference_api.transport.tasks import done_within

FRESH_SECONDS = 5.0  # CoreDNS' own time to live of a pod's name
KEPT_SECONDS = 300.0
FIRST_SECONDS = 1.0
AGAIN_SECONDS = 0.1
_NO_SUCH_NAME = {socket.EAI_NONAME, socket.EAI_NODATA}

Addresses = tuple[str, ...]
LookUp = Callable[[str], Coroutine[Any, Any, Addresses]]


class Unresolved(Exception):
    """No address is known for a name."""


@dataclass(frozen=True, slots=True)
class _Known:
    addresses: Addresses
    since: float


class Resolver:
    """The names that one process has resolved. Used inside one event loop; `now` is its clock, in seconds."""

    def __init__(self, look_up: LookUp | None = None, now: Callable[[], float] | None = None) -> None:
        self._look_up = look_up or _look_up
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._known: dict[str, _Known] = {}
        self._lookups: dict[str, asyncio.Task[Addresses]] = {}

    async def addresses(self, host: str, until: float) -> Addresses:
        """The addresses of this host, which may be an address itself. Raises Unresolved.

        Waits at most FIRST_SECONDS, and not beyond the loop's time `until`. Where an address is known that is older
        than FRESH_SECONDS, it waits AGAIN_SECONDS for a new lookup and then uses that address, up to KEPT_SECONDS.
        """
        if _is_address(host):
            return (host,)
        known = self._kept(host)
        if known is not None and self._now() - known.since <= FRESH_SECONDS:
            return known.addresses
        lookup = self._lookups.get(host) or self._start(host)
        wait_seconds = FIRST_SECONDS if known is None else AGAIN_SECONDS
        ended = await done_within(lookup, min(until - self._now(), wait_seconds))
        error = lookup.exception() if ended else None
        if ended and error is None:
            return lookup.result()
        known = self._kept(host)
        if known is None:
            raise Unresolved(_reason(error) if error else "the name server has not answered yet")
        return known.addresses

    def forget(self, host: str) -> None:
        """Drops the address, so that the next use waits for a lookup."""
        self._known.pop(host, None)

    def _kept(self, host: str) -> _Known | None:
        known = self._known.get(host)
        return known if known is not None and self._now() - known.since <= KEPT_SECONDS else None

    def _start(self, host: str) -> asyncio.Task[Addresses]:
        lookup = asyncio.get_running_loop().create_task(self._look_up(host))
        self._lookups[host] = lookup
        lookup.add_done_callback(lambda done: self._learn(host, done))
        return lookup

    def _learn(self, host: str, lookup: asyncio.Task[Addresses]) -> None:
        del self._lookups[host]
        if lookup.cancelled():
            return
        error = lookup.exception()
        if error is None:
            self._known[host] = _Known(lookup.result(), self._now())
        elif isinstance(error, socket.gaierror) and error.errno in _NO_SUCH_NAME:
            self.forget(host)


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


async def _look_up(host: str) -> Addresses:
    """Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
