"""Whether a version may be asked on a replica: its agent must have called it warm since Triton last restarted there.

Routes can be stale. A restarted Triton loads its versions again before the agent has proved them, and the routes go on
naming them while the operator is down. An agent that does not answer may be all that is down: then the routes count,
if Triton is still the process in which they say that the version was proved.
"""

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from inference_api.routing.document import Replica

_SECONDS = {True: math.inf, False: 0.2, None: 1.0}  # how long an answer is kept

ReadServerId = Callable[[], Awaitable[str | None]]
"""Asks Triton for the server id of its process; None: no answer."""


class AsksAgents(Protocol):
    """The seam to the agents."""

    async def is_warm(self, replica: Replica, version: int) -> bool | None:
        """Whether the version is warm there; None: no answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether the version is proved there, the epoch of Triton it is about, and the time until which it is kept.

    `is_proved` is None where nobody can tell.
    """

    is_proved: bool | None
    epoch: int
    until: float


class ProofCache:
    """By version, replica and epoch: whether it is proved there. `now` is a clock in seconds."""

    def __init__(self, agents: AsksAgents, now: Callable[[], float]) -> None:
        self._agents = agents
        self._now = now
        self._answers: dict[tuple[str, int, int], Answer] = {}

    async def allows(
        self, replica: Replica, version: int, epoch: int, read_server_id: ReadServerId | None = None
    ) -> bool:
        """Whether the version may be asked there. `epoch` is the current one of the connections to that Triton.

        Where the routes do not name the version, its agent must vouch for it: nobody else did. Where they do not say in
        which process it was proved (an agent or an operator of an older release), they are believed.
        """
        key = (replica.host, replica.port, version)
        answer = self._answers.get(key)
        if answer is None or answer.epoch != epoch or self._now() >= answer.until:
            is_proved = await self._is_proved(replica, version, read_server_id)
            answer = self._answers[key] = Answer(is_proved, epoch, self._now() + _SECONDS[is_proved])
        if answer.is_proved is None:
            return version in replica.versions and not replica.server_id
        return answer.is_proved

    def keep_only(self, replicas: Iterable[Replica]) -> None:
        """Forgets all other versions: one that comes back has been loaded again."""
        held = {(replica.host, replica.port, version) for replica in replicas for version in replica.versions}
        self._answers = {key: answer for key, answer in self._answers.items() if key in held}

    async def _is_proved(self, replica: Replica, version: int, read_server_id: ReadServerId | None) -> bool | None:
        is_warm = await self._agents.is_warm(replica, version)
        is_routed = version in replica.versions and bool(replica.server_id)
        if is_warm is not None or not is_routed or read_server_id is None:
            return is_warm
        return await read_server_id() == replica.server_id
