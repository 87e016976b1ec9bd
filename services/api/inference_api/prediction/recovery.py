"""Restores ejected versions once the agent of their replica says that they are warm there."""

import asyncio
import logging

from inference_api.routing.replicas import Replicas, ReplicaState
from inference_api.transport.proof_cache import AsksAgents

log = logging.getLogger(__name__)


async def recover(replicas: Replicas, agents: AsksAgents) -> None:
    """Asks the agents once about every ejected version."""
    await asyncio.gather(
        *(_ask(replicas, agents, state, version) for state in replicas for version in sorted(state.out))
    )


async def _ask(replicas: Replicas, agents: AsksAgents, state: ReplicaState, version: int) -> None:
    if await agents.is_warm(state.replica, version):
        replicas.restore(state, version)
        log.info("version restored", extra={"replica": state.replica.name, "version": version})
