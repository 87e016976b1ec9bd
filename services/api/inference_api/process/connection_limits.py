"""What one client's connection may cost a worker, and what was refused because of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from inference_api.process.client_connections import ClientConnections
from inference_api.process.sampled_log import SampledLog

if TYPE_CHECKING:
    from inference_api.process.guarded_protocol import GuardedProtocol


class Closed(StrEnum):
    """Why the API ended a connection that no answer explains."""

    NO_FIRST_BYTE = "no-first-byte"
    MADE_ROOM = "made-room"  # the oldest silent one, because a new client came and all places were taken
    UNREAD_ANSWER = "unread-answer"
    UNSENT_BODY = "unsent-body"  # its answer came before the whole body did, and the rest did not come


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The bounds of each connection, and of all of one listener.

    `max_head_bytes`: request line and headers; also trailers, and what a chunk carries besides its data.
    `first_byte_timeout_seconds`: from connecting to the first byte; also for the rest of a body after its answer.
    `head_timeout_seconds`: from the first byte of a head to its end.
    `write_timeout_seconds`: how long a client may leave an answer unread.
    """

    max_connections: int
    max_head_bytes: int
    first_byte_timeout_seconds: float
    head_timeout_seconds: float
    write_timeout_seconds: float = 20


@dataclass(slots=True)
class Guard:
    """The limits of one worker, the connections of each of its listeners by port, and who is told of a refusal.

    `note_refusal(kind)` and `note_closed(reason)` count.
    """

    limits: ConnectionLimits
    note_refusal: Callable[[str], None]
    note_closed: Callable[[str], None]
    log: SampledLog
    _listeners: dict[int | None, "ClientConnections[GuardedProtocol]"] = field(default_factory=dict)

    def listener(self, port: int | None) -> "ClientConnections[GuardedProtocol]":
        """The connections to this port: a flood of one listener takes no place of the other."""
        if port not in self._listeners:
            self._listeners[port] = ClientConnections(self.limits.max_connections)
        return self._listeners[port]

    def refused(self, kind: str, status: int, request_id: str) -> None:
        """Counts and logs a request that the protocol refused."""
        self.note_refusal(kind)
        self.log.write("request refused", {"kind": kind, "status": status, "request_id": request_id}, key=kind)

    def closed(self, reason: Closed) -> None:
        """Counts and logs a connection that was closed without an answer."""
        self.note_closed(reason)
        self.log.write("connection closed", {"reason": str(reason)}, key=reason)
