"""What Triton holds since it started, and what was proved since. A new connection counts as a restart of Triton."""

import time
from collections.abc import Mapping

from replica_agent.jobs import Jobs
from replica_agent.state import IndexState, Proof
from replica_agent.triton import Triton, TritonError

STUCK_SECONDS = 30.0


class LoadedVersions:
    """What the agent knows of the Triton that is running now.

    `index` maps versions to Triton's state; None while Triton cannot be asked. `late`: it is the last index that was
    read, and may be old. `proofs` and `loaded_here` hold what this agent did on the current connection.
    """

    def __init__(self, triton: Triton, jobs: Jobs) -> None:
        self._triton, self._jobs = triton, jobs
        self._connection = 0
        self._unloading_since: dict[int, float] = {}
        self.index: Mapping[int, IndexState] | None = None
        self.late = False
        self.proofs: dict[int, Proof] = {}
        self.loaded_here: set[int] = set()

    async def read(self, model: str) -> None:
        """Reads Triton's index, and forgets proofs of versions that it no longer holds."""
        triton, ended = self._triton, self._jobs.ended
        self.late = False
        if not triton.connected or triton.connection != self._connection:
            self._forget()
        if not triton.connected:
            return
        try:
            index = await triton.index(model)
        except TritonError:
            # Triton may still serve requests, so what was proved stays; nothing is decided on an old index.
            self.late = True
            return
        # An index from before a job ended would hide what the job has just done.
        self.late = ended != self._jobs.ended
        self._take(index)

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

    def _forget(self) -> None:
        self.index, self._connection = None, self._triton.connection
        self.proofs, self.loaded_here, self._unloading_since = {}, set(), {}
