"""Holds each client to the quota of the access document, in one process."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

from inference_api.access.clients import Client, Priority
from inference_api.quota.bucket import WINDOW_SECONDS
from inference_api.quota.budget import Budget
from inference_api.quota.refusals import PER_MINUTE, PLACES, QuotaExceeded
from inference_api.routing.counters import Json

Headers = list[tuple[bytes, bytes]]


class Limiter:
    """`processes`: how many share each quota where no ledger answers. `now`: seconds.

    `live`: how many there are by the ledger (settling.py); None: it is away, or none is configured.
    """

    def __init__(self, processes: int, now: Callable[[], float]) -> None:
        self._processes, self._now = processes, now
        self.live: int | None = None
        self.has_urgent = False
        self.budgets: dict[str, Budget] = {}
        self._clients: Sequence[Client] = ()

    def follow(self, clients: Sequence[Client]) -> None:
        """The clients of the access document in force, whenever it may be another one."""
        if clients is self._clients:
            return
        self._clients = clients
        self.has_urgent = any(client.priority is Priority.URGENT for client in clients)
        limited = {client.name: client for client in clients if client.has_quota}
        self.budgets = {name: budget for name, budget in self.budgets.items() if name in limited}
        for client in limited.values():
            self._budget(client)

    def check(self, client: Client) -> None:
        """Before the images are read. Raises QuotaExceeded when not even one would be let in."""
        if client.has_quota:
            self._refuse_above(self._budget(client), client, 1)

    def working(self, client: Client, images: int) -> AbstractContextManager[None]:
        """While the block runs, so many images of the client are in flight. Raises QuotaExceeded."""
        return self._working(client, images) if client.has_quota else nullcontext()

    @contextmanager
    def _working(self, client: Client, images: int) -> Iterator[None]:
        budget = self._budget(client)
        self._refuse_above(budget, client, images)
        budget.take(images, self._now(), self.live)
        budget.in_flight += images
        try:
            yield
        finally:
            budget.in_flight -= images

    def headers(self, client: Client) -> Headers:
        """What the client may still have: RateLimit-Policy and RateLimit; empty for a client without a quota."""
        if not client.has_quota:
            return []
        policy, state = self._fields(self._budget(client), 0)
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", state.encode())]

    def snapshot(self) -> Json:
        """What this process publishes to the others of its pod: refused requests of each client with a quota."""
        return {name: budget.refused for name, budget in self.budgets.items()}

    def _budget(self, client: Client) -> Budget:
        budget = self.budgets.get(client.name)
        if budget is None:
            budget = self.budgets[client.name] = Budget(client.quota, self._processes)
        elif budget.quota is not client.quota and budget.quota != client.quota:
            budget.change(client.quota)
        return budget

    def _refuse_above(self, budget: Budget, client: Client, images: int) -> None:
        wait_seconds = budget.wait_seconds(images, self._now(), self.live)
        if wait_seconds:
            policy = PER_MINUTE
        elif budget.has_place(images, self.live):
            return
        else:
            policy, wait_seconds = PLACES, 1
        budget.refused += 1
        fields = self._fields(budget, wait_seconds)
        raise QuotaExceeded(policy, client.quota, math.ceil(wait_seconds), fields)

    def _fields(self, budget: Budget, wait_seconds: float) -> tuple[str, str]:
        """The structured fields of draft-ietf-httpapi-ratelimit-headers-10."""
        quota, now = budget.quota, self._now()
        policies, states = [], []
        if quota.images_per_minute is not None:
            reset_seconds = math.ceil(max(wait_seconds, budget.full_in_seconds(now, self.live)))
            left = budget.left(now, self.live)
            policies.append(f'"{PER_MINUTE}";q={quota.images_per_minute};qu="images";w={WINDOW_SECONDS}')
            states.append(f'"{PER_MINUTE}";r={left};t={reset_seconds}')
        if quota.images_in_flight is not None:
            policies.append(f'"{PLACES}";q={quota.images_in_flight};qu="images"')
            states.append(f'"{PLACES}";r={budget.free_places(self.live)}')
        return ", ".join(policies), ", ".join(states)
