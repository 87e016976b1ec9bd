"""Whether Triton takes requests, as its own health says: after a SIGTERM its gRPC answers on while its HTTP is closed.

And whether it answered until it ended: one that a failed liveness probe had restarted did not. How the container ended
does not tell that: the kubelet ends one that hangs as anybody else would, by SIGTERM.
"""

import asyncio
from dataclasses import dataclass

ASK_SECONDS, ANSWER_SECONDS = 0.25, 3.0
SILENT_SECONDS = 20.0  # the chart's probe fails for a minute before the kubelet does anything
_STATUS_LINE_BYTES = len(b"HTTP/1.1 200")


@dataclass
class Vitals:
    """Of one Triton. `is_closed`: it takes no requests any more, or is not live. A late answer says nothing.

    `ended_answering`: whether it answered until its last connection ended, or closed; None: nothing is known of one.
    """

    is_closed: bool = False
    ended_answering: bool | None = None
    _connection: int | None = None
    _answered_at_seconds: float | None = None
    _closed_at_seconds: float | None = None

    def note(self, connection: int | None, is_live: bool | None, now_seconds: float) -> None:
        """What was seen now. `connection`: the number of the one that is open; None: none is."""
        if connection != self._connection:
            self._end(now_seconds)
            self._connection, self._answered_at_seconds, self._closed_at_seconds = connection, None, None
        was_open = self._answered_at_seconds is not None
        self.is_closed = was_open and (is_live is False or (is_live is None and self.is_closed))
        if connection is not None and is_live:
            self._answered_at_seconds, self._closed_at_seconds = now_seconds, None
        elif self.is_closed and self._closed_at_seconds is None:
            self._closed_at_seconds = now_seconds

    def _end(self, now_seconds: float) -> None:
        if self._answered_at_seconds is not None:
            end = now_seconds if self._closed_at_seconds is None else self._closed_at_seconds
            self.ended_answering = end - self._answered_at_seconds <= SILENT_SECONDS


async def ask_live(address: str, port: int, timeout_seconds: float = ANSWER_SECONDS) -> bool | None:
    """Whether GET /v2/health/live, which is what the liveness probe asks, gets 200; None: no answer in time.

    `address`: also [::1], which is how Triton and gRPC have it.
    """
    writer = None
    try:
        async with asyncio.timeout(timeout_seconds):
            reader, writer = await asyncio.open_connection(address.strip("[]"), port)
            writer.write(b"GET /v2/health/live HTTP/1.1\r\nHost: triton\r\nConnection: close\r\n\r\n")
            return (await reader.readexactly(_STATUS_LINE_BYTES)).endswith(b" 200")
    except TimeoutError:
        return None
    except (OSError, EOFError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()
