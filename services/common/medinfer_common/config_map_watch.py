"""Watches one ConfigMap on a thread of its own, whatever happens to the API server and to the watch.

A watch that ends is started again with a fresh read. While the API server is unreachable, the last content stays.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

MAX_BACKOFF_SECONDS = 15.0

Json = dict[str, Any]

log = logging.getLogger(__name__)


class WatchFailed(Exception):
    """The API server refused, or a watch ended before its time. `kind` is equal for equal causes: it is logged once."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message[:300]}")
        self.kind = kind


class ConfigMapWatch:
    """Holds the newest value of one key of one ConfigMap.

    `content` is that value as bytes, or None when ConfigMap or key are missing. It means nothing before `synced`.

    `changes` makes one watch. It yields the object as it is now (None: there is none), the same again once the watch is
    open, and then every change. It returns when the API server ends the watch in order, and raises on anything else.
    `pause` sleeps for the seconds given, `clock` returns seconds.
    """

    def __init__(
        self,
        name: str,
        key: str,
        changes: Callable[[], Iterator[Json | None]],
        pause: Callable[[float], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.key = name, key
        self.synced = False
        self.content: bytes | None = None
        self._changes, self._clock = changes, clock
        self._stopped = threading.Event()
        self._pause = pause or self._stopped.wait
        self._logged_kind = ""

    def start(self) -> None:
        """Runs the watch on a daemon thread."""
        threading.Thread(target=self.run, name=f"watch of {self.name}", daemon=True).start()

    def stop(self) -> None:
        """Returns at once; the thread ends with its next read, or with the process."""
        self._stopped.set()

    def run(self) -> None:
        """Watches until `stop`."""
        failures = 0
        while True:
            started = self._clock()
            error = self._watch_once()
            if self._stopped.is_set():
                return
            has_lasted = self._clock() - started > MAX_BACKOFF_SECONDS
            if has_lasted and error is None:
                failures = 0
                continue
            failures = 1 if has_lasted else failures + 1
            if error:
                self._log_change(error)
            self._pause(backoff_seconds(failures, random.random()))

    def _watch_once(self) -> WatchFailed | None:
        """Why the watch failed, or None when it ended in order."""
        try:
            for number, config_map in enumerate(self._changes()):
                self._take(config_map)
                if number:
                    self._log_change(None)
                if self._stopped.is_set():
                    break
        except WatchFailed as error:
            return error
        except Exception as error:  # the network, the client library, a proxy's error page: all are tried again
            return WatchFailed(type(error).__name__, str(error))
        return None

    def _take(self, config_map: Json | None) -> None:
        value = ((config_map or {}).get("data") or {}).get(self.key)
        self.content = value.encode() if isinstance(value, str) else None
        self.synced = True

    def _log_change(self, error: WatchFailed | None) -> None:
        """Logs a cause once, not every retry: an API server may be unreachable for hours."""
        kind = error.kind if error else ""
        if error and kind != self._logged_kind:
            log.warning("ConfigMap %s is not followed, trying again: %s", self.name, error)
        elif self._logged_kind and not error:
            log.info("ConfigMap %s is followed again", self.name)
        self._logged_kind = kind


def backoff_seconds(failures: int, dice: float) -> float:
    """The pause after `failures` in a row, with `dice` in [0, 1): 1 to 2 s, then 2 to 4 s, at most 15 s."""
    longest = min(MAX_BACKOFF_SECONDS, 2.0 ** min(failures, 10))
    return longest * (1 + dice) / 2
