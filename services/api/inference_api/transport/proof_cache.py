"""Whether a version may be asked on a replica: its agent must have called it warm since Triton last restarted there.

Routes can be stale. A restarted Triton loads its versions again before the agent has proved them, and the routes go on
naming them while the operator is down.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from inference_api.routing.document import Replica

# How long an answer is kept. An agent that does not answer (None) ejects nothing: it may be all that is down.
_SECONDS = {True: math.inf, False: 0.2, None: 1.0}


class AsksAgents(Protocol):
    """The seam to the agents."""

    async def is_warm(self, replica: Replica, version: int) -> bool | None:
        """Whether the version is warm there; None: no answer."""


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """An agent's answer, the epoch of Triton it is about, and the time until which it is kept."""

    is_warm: bool | None
    epoch: int
    until: float


class ProofCache:
    """The agents' answers. `now` is a clock in seconds."""

    def __init__(self, agents: AsksAgents, now: Callable[[], float]) -> None:
        self._agents = agents
        self._now = now
        self._answers: dict[tuple[str, int, int], AgentAnswer] = {}

    async def allows(self, replica: Replica, version: int, epoch: int) -> bool:
        """Whether the version may be asked there. `epoch` is the current one of the connections to that Triton.

        Where the routes do not name the version, its agent must vouch for it: nobody else did.
        """
        key = (replica.host, replica.port, version)
        answer = self._answers.get(key)
        if answer is None or answer.epoch != epoch or self._now() >= answer.until:
            is_warm = await self._agents.is_warm(replica, version)
            answer = self._answers[key] = AgentAnswer(is_warm, epoch, self._now() + _SECONDS[is_warm])
        return version in replica.versions if answer.is_warm is None else answer.is_warm

    def keep_only(self, replicas: Iterable[Replica]) -> None:
        """Forgets all other versions: one that comes back has been loaded again."""
        held = {(replica.host, replica.port, version) for replica in replicas for version in replica.versions}
        self._answers = {key: answer for key, answer in self._answers.items() if key in held}
