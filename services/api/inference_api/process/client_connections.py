"""How many clients are connected to one listener, and which connection goes first when there is no room. Pure."""

from collections import OrderedDict
from typing import Generic, TypeVar

C = TypeVar("C")


class ClientConnections(Generic[C]):
    """The connections of one listener of one process; at most `max_connections` of them are let in.

    A connection is silent while it has no request under way. Of the silent ones, those that never had an answer go
    first: nobody waits for them, whereas an idle kept-alive connection is part of a client's pool.
    Every method takes constant time.
    """

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._open = 0
        # A plain dict would look at every removed entry again to find its first one.
        self._never_answered: OrderedDict[C, None] = OrderedDict()
        self._idle: OrderedDict[C, None] = OrderedDict()

    def __len__(self) -> int:
        return self._open

    @property
    def is_full(self) -> bool:
        """Whether one must go before another one may come."""
        return self._open >= self._max_connections

    def oldest_silent(self) -> C | None:
        """The silent connection that is to be closed first; None: each has a request under way."""
        return next(iter(self._never_answered), None) or next(iter(self._idle), None)

    def enter(self, connection: C) -> None:
        """A new connection, which has sent nothing yet."""
        self._open += 1
        self._never_answered[connection] = None

    def begin_request(self, connection: C) -> None:
        """A whole head has come."""
        self._never_answered.pop(connection, None)
        self._idle.pop(connection, None)

    def end_request(self, connection: C) -> None:
        """The last request under way has its answer."""
        self._idle[connection] = None

    def leave(self, connection: C) -> None:
        """The connection has ended, or is about to."""
        self._open -= 1
        self.begin_request(connection)
