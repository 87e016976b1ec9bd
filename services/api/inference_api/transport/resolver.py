"""The addresses of the replicas' names: looked up apart from connecting, and kept while the name server is slow.

A lookup may take seconds where the name server starves or loses a packet; the replica behind the name is well all the
while. One lookup a name at a time, on demand, and no waiting request ends it. An address is kept for as long as
nothing speaks against it: the owner forgets it when a connection ends or cannot be made, as another pod may have the
address next.
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
    """What one process knows of names. Used inside one event loop."""

    def __init__(self, look_up: LookUp | None = None, now: Callable[[], float] | None = None) -> None:
        self._look_up = look_up or _look_up
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._known: dict[str, _Known] = {}
        self._lookups: dict[str, asyncio.Task[Addresses]] = {}

    async def addresses(self, host: str, until: float) -> Addresses:
        """The addresses of this host, which may be an address itself; raises Unresolved.

        Waits at most FIRST_SECONDS and not beyond the loop's time `until`; AGAIN_SECONDS where an older address is
        known, which is then used if no lookup confirmed it in time, KEPT_SECONDS long.
        """
        if _is_address(host):
            return (host,)
        known = self._kept(host)
        if known is not None and self._now() - known.since <= FRESH_SECONDS:
            return known.addresses
        lookup = self._lookups.get(host) or self._start(host)
        patience = FIRST_SECONDS if known is None else AGAIN_SECONDS
        ended = await done_within(lookup, min(until - self._now(), patience))
        error = lookup.exception() if ended else None
        if ended and error is None:
            return lookup.result()
        known = self._kept(host)
        if known is None:
            raise Unresolved(_reason(error) if error else "the name server has not answered yet")
        return known.addresses

    def forget(self, host: str) -> None:
        """The next use waits for a lookup's answer."""
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
