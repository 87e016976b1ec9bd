"""The only module that talks to an OpenTelemetry collector: OTLP over HTTP, one request at a time."""

import contextlib
import http.client
import urllib.parse

PATH = "/v1/traces"
TIMEOUT_SECONDS = 2.0
# What the protocol's specification says may be sent again.
_TRY_AGAIN = frozenset({408, 429, 502, 503, 504})
_LARGEST_ANSWER_BYTES = 64 * 1024


class CollectorAway(Exception):
    """Nobody took the spans, and they may be sent again."""


class SpansRefused(Exception):
    """The collector does not want these spans, now or later."""


class Collector:
    """Keeps a connection to `endpoint`, http:// or https:// with host and port. Used by one thread only."""

    def __init__(self, endpoint: str) -> None:
        where = urllib.parse.urlsplit(endpoint)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(where.hostname or "", where.port, timeout=TIMEOUT_SECONDS)
        self._path = where.path.rstrip("/") + PATH

    def send(self, body: bytes) -> None:
        """Returns once the collector has the spans. Raises CollectorAway, SpansRefused."""
        try:
            status = self._post(body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise CollectorAway(str(error) or type(error).__name__) from None
        if status in _TRY_AGAIN:
            raise CollectorAway(f"it answered {status}")
        if status // 100 != 2:
            raise SpansRefused(f"it answered {status}")

    def close(self) -> None:
        """The next request makes a new connection."""
        self._connection.close()

    def _post(self, body: bytes) -> int:
        was_open = self._connection.sock is not None
        try:
            return self._exchange(body)
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            if not was_open:
                raise
            self.close()  # it closed a connection that was idle for long
            return self._exchange(body)

    def _exchange(self, body: bytes) -> int:
        self._connection.request("POST", self._path, body, {"Content-Type": "application/x-protobuf"})
        with contextlib.closing(self._connection.getresponse()) as answer:
            if len(answer.read(_LARGEST_ANSWER_BYTES + 1)) > _LARGEST_ANSWER_BYTES:
                self.close()
            return answer.status
