"""When the canary may be asked. A canary can be slow, wrong, or kill the Triton that also serves stable.

- At most a quarter of the requests that the process works on wait for the canary, so that a canary that hangs leaves
  room for the others.
- When a connection breaks while the canary answers on it, the canary may have killed Triton. It is not asked again.
- It is not asked while fewer than two healthy replicas hold stable, unless the routes name only one.
- It is not asked anywhere while it is ejected on one of its replicas. The canary may be what took that replica down,
  and another process could let it take the next one.
- Until it has given 20 good answers, only one replica is asked, the same in every process. A canary that kills every
  Triton it runs on then takes one replica, not all at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from inference_api.routing.breaker import Breaker
from inference_api.routing.replicas import Replicas, ReplicaState

PROVED_AFTER = 20


class Containment:
    """What this process has learnt about one canary under one set of traffic rules; new rules bring a new one.

    `stable` and `canary` are numbers of versions, `max_in_flight` the images that the process works on at a time.
    """

    def __init__(self, stable: int, canary: int, max_in_flight: int) -> None:
        self._stable = stable
        self._canary = canary
        self._bound = max(1, max_in_flight // 4)
        self._good = 0
        self._in_flight = 0
        self._breaker = Breaker()
        self._killed_a_connection = False

    @property
    def suspended(self) -> str | None:
        """Why the canary must not be asked anywhere until the traffic rules change; None while it may be."""
        return "a connection broke while the canary answered" if self._killed_a_connection else None

    def choose(self, replicas: Replicas) -> ReplicaState | None:
        """The replica on which the canary may be asked now; None: ask stable."""
        if self._killed_a_connection or self._breaker.is_open:
            return None
        if replicas.healthy_count(self._stable) < 2 <= replicas.holder_count(self._stable):
            return None
        if replicas.healthy_count(self._canary) < replicas.holder_count(self._canary):
            return None
        if self._in_flight >= self._bound:
            return None
        return replicas.first(self._canary) if self._good < PROVED_AFTER else replicas.choose(self._canary)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Counts an attempt of the canary as in flight for as long as the block runs."""
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    def record(self, good: bool) -> None:
        """Notes how an attempt ended whose connection held."""
        self._good += good
        self._breaker.record(good)

    def suspend(self) -> None:
        """Notes that a connection broke while the canary answered on it."""
        self._killed_a_connection = True
