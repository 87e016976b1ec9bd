"""Whether Triton answered its health until it ended: one that a failed liveness probe had restarted did not.

How the container ended does not tell: the kubelet ends one that hangs as anybody else would, by SIGTERM.
"""

import asyncio
from dataclasses import dataclass

ASK_SECONDS, ANSWER_SECONDS = 1.0, 3.0
SILENT_SECONDS = 20.0  # the chart's probe fails for a minute before the kubelet does anything
_STATUS_LINE_BYTES = len(b"HTTP/1.1 200")


@dataclass
class Vitals:
    """Of one Triton. `ended_answering`: of the last connection that ended; None: nothing is known of one."""

    ended_answering: bool | None = None
    _connection: int | None = None
    _answered_at_seconds: float | None = None

    def note(self, connection: int | None, is_live: bool, now_seconds: float) -> None:
        """What was seen now. `connection`: the number of the one that is open; None: none is."""
        if connection != self._connection:
            if self._answered_at_seconds is not None:
                self.ended_answering = now_seconds - self._answered_at_seconds <= SILENT_SECONDS
            self._connection, self._answered_at_seconds = connection, None
        if is_live and connection is not None:
            self._answered_at_seconds = now_seconds


async def ask_live(address: str, port: int) -> bool:
    """Whether GET /v2/health/live, which is what the liveness probe asks, is answered with 200 in time."""
    writer = None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(b"GET /v2/health/live HTTP/1.1\r\nHost: triton\r\nConnection: close\r\n\r\n")
            return (await reader.readexactly(_STATUS_LINE_BYTES)).endswith(b" 200")
    except (OSError, EOFError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()
