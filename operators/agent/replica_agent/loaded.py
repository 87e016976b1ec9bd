"""What Triton holds since it started, and what was proved since.

A new connection counts as a restart of Triton, unless Triton has the server id of the process that was proved.
"""

import time
from collections.abc import Mapping

from replica_agent.jobs import Jobs
from replica_agent.kept_proofs import Digests, KeptProofs
from replica_agent.state import IndexState, Proof
from replica_agent.triton import Triton, TritonError

STUCK_SECONDS = 30.0


class LoadedVersions:
    """What the agent knows of the Triton that is running now.

    `index` maps versions to Triton's state; None while Triton cannot be asked. `late`: it is the last index that was
    read, and may be old. `proofs`: of what runs in this process of Triton, by this agent or the one before it.
    `loaded_here`: what this agent loaded on the current connection. `asked`: Triton answered, or did not. `server_id`:
    of the process that `proofs` are about; empty: it has none of its own; None: it was not read yet.
    """

    def __init__(self, triton: Triton, jobs: Jobs, kept: KeptProofs) -> None:
        self._triton, self._jobs, self._kept = triton, jobs, kept
        self.server_id: str | None = None
        self.asked = False
        self._connection = 0
        self._unloading_since: dict[int, float] = {}
        self.index: Mapping[int, IndexState] | None = None
        self.late = False
        self.proofs: dict[int, Proof] = {}
        self.loaded_here: set[int] = set()

    async def read(self, model: str, digests: Digests) -> None:
        """Reads Triton's index, and forgets proofs of versions that it no longer holds."""
        triton, ended = self._triton, self._jobs.ended
        self.late = False
        if not triton.connected or triton.connection != self._connection:
            self._forget()
        if not triton.connected:
            self.asked = self.asked or triton.refused
            return
        try:
            index = await triton.index(model)
            await self._recall(model, index, digests)
        except TritonError:
            # Triton may still serve requests, so what was proved stays; nothing is decided on an old index.
            self.late = self.asked = True
            return
        # An index from before a job ended would hide what the job has just done.
        self.late = ended != self._jobs.ended
        self._take(index)
        self.asked = True
        self._kept.write(self.server_id or "", digests, self.proofs)

    @property
    def stuck(self) -> frozenset[int]:
        """Versions that have been unloading for more than STUCK_SECONDS."""
        now = time.monotonic()
        return frozenset(v for v, since in self._unloading_since.items() if now - since > STUCK_SECONDS)

    @property
    def restarts(self) -> int:
        """How often Triton was connected again."""
        return max(0, self._triton.connection - 1)

    def _take(self, index: Mapping[int, IndexState]) -> None:
        ready = {version for version, state in index.items() if state is IndexState.READY}
        unloading = [version for version, state in index.items() if state is IndexState.UNLOADING]
        now, before = time.monotonic(), self._unloading_since
        self.index = index
        self.proofs = {version: proof for version, proof in self.proofs.items() if version in ready}
        self.loaded_here &= ready
        self._unloading_since = {version: before.get(version, now) for version in unloading}

    async def _recall(self, model: str, index: Mapping[int, IndexState], digests: Digests) -> None:
        """Takes up, once for each connection, what an agent proved in this very process of Triton."""
        if self.server_id is not None:
            return
        server_id = await self._triton.server_id()
        ready = [version for version, state in index.items() if state is IndexState.READY]
        if ready and await self._triton.loaded_for(model, ready[0]) == server_id:
            known = {version: digests[version] for version in ready if version in digests}
            self.proofs = self._kept.read(server_id, known) | self.proofs
        self.server_id = server_id

    def _forget(self) -> None:
        self.index, self.server_id, self._connection = None, None, self._triton.connection
        self.proofs, self.loaded_here, self._unloading_since = {}, set(), {}
