"""Whether a version may be asked on a replica: in this epoch of Triton, the agent there must have called it warm.

Routes say so too, but of a moment ago: a Triton that restarts loads what it held before the agent has proved it, and
with the operator away routes name it all the while.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from inference_api.routing.document import Replica

# How long an answer counts. An agent that cannot be asked takes no replica out: it may be all that is away.
_SECONDS = {True: math.inf, False: 0.2, None: 1.0}


class AsksAgents(Protocol):
    """The seam to the agents."""

    async def is_warm(self, replica: Replica, version: int) -> bool | None: ...


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """What an agent said, in which epoch of its Triton, and until when that counts."""

    is_warm: bool | None
    epoch: int
    until: float


class ProofCache:
    """What the agents said. `now`: a clock in seconds."""

    def __init__(self, agents: AsksAgents, now: Callable[[], float]) -> None:
        self._agents = agents
        self._now = now
        self._answers: dict[tuple[str, int, int], AgentAnswer] = {}

    async def allows(self, replica: Replica, version: int, epoch: int) -> bool:
        """`epoch`: the number of Triton's present one there; no other ever had it."""
        key = (replica.host, replica.port, version)
        word = self._answers.get(key)
        if word is None or word.epoch != epoch or self._now() >= word.until:
            is_warm = await self._agents.is_warm(replica, version)
            word = self._answers[key] = AgentAnswer(is_warm, epoch, self._now() + _SECONDS[is_warm])
        return word.is_warm is not False

    def keep_only(self, replicas: Iterable[Replica]) -> None:
        """Forgets all versions but theirs: one that comes back has been loaded anew."""
        held = {(replica.host, replica.port, version) for replica in replicas for version in replica.versions}
        self._answers = {key: word for key, word in self._answers.items() if key in held}
