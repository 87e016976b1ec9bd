"""The open connections of clients to this worker."""

from collections.abc import Collection


class OpenConnections:
    """Counts them. The server that holds them starts after the application is made, so it is `attach`ed then."""

    def __init__(self) -> None:
        self._held: Collection[object] = ()

    def attach(self, held: Collection[object]) -> None:
        """`held`: the server's own collection, which changes as clients come and go."""
        self._held = held

    def __len__(self) -> int:
        return len(self._held)
