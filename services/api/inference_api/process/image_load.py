"""How many images one worker has in work, averaged over time: an autoscaler looks rarely, and one look says little."""

import math
from collections.abc import Callable

from inference_api.routing.counters import Json

AVERAGED_SECONDS = 10.0


class ImageLoad:
    """Averages in which a value weighs the less the older it is, `AVERAGED_SECONDS` ago by 1/e. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._noted_at = clock()
        self._in_flight = 0.0
        self._waiting = 0.0

    def note(self, in_flight: int, in_work: int) -> None:
        """Images that are with Triton now, shadow copies among them, and those of all requests in work."""
        now = self._clock()
        weight = -math.expm1((self._noted_at - now) / AVERAGED_SECONDS)
        self._noted_at = now
        self._in_flight += weight * (in_flight - self._in_flight)
        self._waiting += weight * (max(0, in_work - in_flight) - self._waiting)

    def document(self) -> Json:
        """The averages; `waiting` are images that are accepted and not with Triton."""
        return {"inFlight": self._in_flight, "waiting": self._waiting}
