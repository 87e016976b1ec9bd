"""The open connections of clients to this worker: those of the public port."""

from collections.abc import Sized


class OpenConnections:
    """Counts them. The server that holds them starts after the application is made, so it is `attach`ed then."""

    def __init__(self) -> None:
        self._held: Sized = ()

    def attach(self, held: Sized) -> None:
        """`held`: the server's own collection, which changes as clients come and go."""
        self._held = held

    def __len__(self) -> int:
        return len(self._held)
