"""What Triton holds in its present life, and what was proved in it. Another connection is another life."""

import time
from collections.abc import Mapping

from replica_agent.jobs import Jobs
from replica_agent.state import IndexState, Proof
from replica_agent.triton import Triton, TritonError

STUCK_SECONDS = 30.0


class LoadedVersions:
    """`index` is None while Triton cannot be asked; `late`: it is the last one that was read, and may be old."""

    def __init__(self, triton: Triton, jobs: Jobs) -> None:
        self._triton, self._jobs = triton, jobs
        self._connection = 0
        self._unloading_since: dict[int, float] = {}
        self.index: Mapping[int, IndexState] | None = None
        self.late = False
        self.proofs: dict[int, Proof] = {}
        self.loaded_here: set[int] = set()

    async def read(self, model: str) -> None:
        """Asks Triton, and forgets what it no longer holds."""
        triton, ended = self._triton, self._jobs.ended
        self.late = False
        if not triton.connected or triton.connection != self._connection:
            self._forget()
        if not triton.connected:
            return
        try:
            index = await triton.index(model)
        except TritonError:
            # Patients are served on, and nothing is decided.
            self.late = True
            return
        # An answer from before a job ended, read after it, would blame the job for what it has just done.
        self.late = ended != self._jobs.ended
        self._take(index)

    @property
    def stuck(self) -> frozenset[int]:
        """Versions that do not finish unloading."""
        now = time.monotonic()
        return frozenset(v for v, since in self._unloading_since.items() if now - since > STUCK_SECONDS)

    @property
    def restarts(self) -> int:
        """How often Triton came back."""
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
