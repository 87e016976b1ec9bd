"""Follows one ConfigMap on a thread of its own, whatever happens to the API server and to the watch.

A watch that ends begins anew with a read; while the API server is away, what was read last stays.
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


class ApiServerAway(Exception):
    """It refuses, or ended a watch before its time. `kind` is the same for the same trouble."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(f"{kind}: {said[:300]}")
        self.kind = kind


class ConfigMapWatch:
    """`content` is the value of `key` in its newest version, None when there is none; it counts once `synced`.

    `changes` gives the object as it is (None: there is none), the same again once it is watched, then every change; it
    ends when the API server ends the watch in order, and raises when anything else does.
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
        self._ended = threading.Event()
        self._pause = pause or self._ended.wait
        self._trouble = ""

    def start(self) -> None:
        threading.Thread(target=self.run, name=f"watch of {self.name}", daemon=True).start()

    def stop(self) -> None:
        """Returns at once; the thread ends with its next read, or with the process."""
        self._ended.set()

    def run(self) -> None:
        """Until `stop`."""
        failures = 0
        while True:
            began = self._clock()
            error = self._follow()
            if self._ended.is_set():
                return
            has_lasted = self._clock() - began > MAX_BACKOFF_SECONDS
            if has_lasted and error is None:
                failures = 0
                continue
            failures = 1 if has_lasted else failures + 1
            if error:
                self._tell(error)
            self._pause(backoff_seconds(failures, random.random()))

    def _follow(self) -> ApiServerAway | None:
        """One watch, until it ends; what ended it, None when it was in order."""
        try:
            for number, config_map in enumerate(self._changes()):
                self._take(config_map)
                if number:
                    self._tell(None)
                if self._ended.is_set():
                    break
        except ApiServerAway as error:
            return error
        except Exception as error:  # of the network, the client or a proxy's page: whatever it is, try again
            return ApiServerAway(type(error).__name__, str(error))
        return None

    def _take(self, config_map: Json | None) -> None:
        value = ((config_map or {}).get("data") or {}).get(self.key)
        self.content = value.encode() if isinstance(value, str) else None
        self.synced = True

    def _tell(self, error: ApiServerAway | None) -> None:
        """Only what is new: an API server may be away for hours."""
        trouble = error.kind if error else ""
        if error and trouble != self._trouble:
            log.warning("ConfigMap %s is not followed, trying again; %s", self.name, error)
        elif self._trouble and not error:
            log.info("ConfigMap %s is followed again", self.name)
        self._trouble = trouble


def backoff_seconds(failures: int, dice: float) -> float:
    """After so many failures in a row, with `dice` in [0, 1): 1 to 2 seconds, 2 to 4, and up to 15."""
    longest = min(MAX_BACKOFF_SECONDS, 2.0 ** min(failures, 10))
    return longest * (1 + dice) / 2
