"""Sockets for addresses that were checked."""

import socket
from typing import Any, TypeAlias

from medinfer_common.outgoing.addresses import is_local

AddressInfo: TypeAlias = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


class Sockets:
    """Makes sockets for checked addresses. The name was resolved before, so it cannot mean another address after."""

    def __init__(self, allow_local_addresses: bool) -> None:
        self._allow_local_addresses = allow_local_addresses
        self.refused: str | None = None

    def open(self, info: AddressInfo) -> socket.socket:
        """Called for each address before it is connected to, on redirects too. Raises OSError."""
        family, kind, protocol, _, address = info
        if not self._allow_local_addresses and is_local(str(address[0])):
            self.refused = str(address[0])
            raise PermissionError(f"{address[0]} is a loopback or link-local address")
        return socket.socket(family, kind, protocol)
