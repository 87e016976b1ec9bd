"""What the agent does to one replica: each method is one action, and raises VersionFailed when that fails."""

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from modelctl.bundle.errors import InvalidBundle
from numpy.typing import NDArray

from replica_agent.acceptance.accept import Model, accept
from replica_agent.acceptance.fetching import SetFetcher
from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.bundles import Bundles
from replica_agent.config import to_override, with_server_id, with_versions
from replica_agent.fetch import Fetcher, OnProgress
from replica_agent.observation import Observation
from replica_agent.plan import Acceptance, Plan, Release
from replica_agent.preflight import check_memory, free_memory_bytes, is_disk_full
from replica_agent.repository import Repository
from replica_agent.settings import Settings
from replica_agent.state import IndexState, Proof, Reason, VersionFailed
from replica_agent.threads import run_in_thread
from replica_agent.tracing import VersionTrace
from replica_agent.triton import Triton, TritonRefused, TritonTimeout
from replica_agent.warmup import Prover

if TYPE_CHECKING:
    from replica_agent.verification.signatures import Signatures

INFER_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Replica:
    """One Triton, its model repository, and the caches of bundles and of acceptance sets.

    `signatures`: None where bundles are not verified.
    """

    settings: Settings
    triton: Triton
    repository: Repository
    bundles: Bundles
    fetcher: Fetcher
    sets: AcceptanceSets
    set_fetcher: SetFetcher
    signatures: "Signatures | None" = None

    async def require_signature(self, release: Release, plan: Plan) -> None:
        """Raises VersionFailed where bundles must be signed and this one is not, by anybody who is trusted now."""
        if self.signatures:
            signatures = self.signatures
            await run_in_thread(lambda: signatures.require(release, plan))

    async def find_signature(self, release: Release, plan: Plan) -> None:
        """Looks for a signature where bundles are verified."""
        if self.signatures:
            signatures = self.signatures
            await run_in_thread(lambda: signatures.find(release, plan))

    async def fetch(self, release: Release, plan: Plan, on_progress: OnProgress, trace: VersionTrace) -> None:
        """Caches the bundle, once its signature was checked; `on_progress` is called on another thread."""
        await self.require_signature(release, plan)
        await run_in_thread(lambda: self.fetcher.fetch(release, plan, on_progress, trace))

    async def fetch_set(self, wanted: Acceptance, plan: Plan, on_progress: OnProgress) -> None:
        """Caches an acceptance set; `on_progress` is called on another thread."""
        await run_in_thread(lambda: self.set_fetcher.fetch(wanted, plan, on_progress))

    async def install(self, model: str, release: Release) -> None:
        """Unpacks the cached bundle. One that no longer verifies is deleted, so it will be fetched again."""
        bundle = self.bundles.path(release.digest)
        try:
            if bundle is None:
                raise InvalidBundle("it was deleted")
            await asyncio.to_thread(self.repository.install, model, release, bundle)
        except InvalidBundle as error:
            self.bundles.discard(release.digest)
            raise VersionFailed(
                Reason.FETCH_FAILED, f"the cached bundle cannot be used and is fetched again: {error}"
            ) from None
        except OSError as error:
            reason = Reason.INSUFFICIENT_DISK if is_disk_full(error) else Reason.FETCH_FAILED
            raise VersionFailed(reason, f"version {release.version} could not be unpacked: {error}") from None

    async def check_files(self, model: str, release: Release) -> None:
        """Raises VersionFailed unless the files that Triton would load now are those of the bundle.

        Files that changed are deleted; they will be unpacked again.
        """
        try:
            await asyncio.to_thread(self.repository.check, model, release)
        except (InvalidBundle, OSError) as error:
            raise VersionFailed(Reason.FETCH_FAILED, f"version {release.version} is not loaded: {error}") from None

    def discard(self, model: str, digests: tuple[str, ...], versions: tuple[int, ...], sets: tuple[str, ...]) -> None:
        """Deletes cached bundles, version directories and acceptance sets."""
        for digest in sets:
            self.sets.discard(digest)
        for digest in digests:
            self.bundles.discard(digest)
        if self.signatures:
            self.signatures.discard(digests)
        for version in versions:
            self.repository.discard(model, version)

    async def check_memory(self, seen: Observation, release: Release) -> None:
        """Raises VersionFailed (InsufficientMemory) before anything is touched."""
        facts = seen.facts(release)
        if facts:
            occupied = seen.versions(IndexState.READY, IndexState.UNLOADING) & seen.installed.keys()
            occupied_bytes = sum(seen.installed[version].facts.memory_bytes for version in occupied)
            check_memory(release.version, facts.memory_bytes, await self._free_memory_bytes(occupied_bytes))

    async def _free_memory_bytes(self, occupied_bytes: int) -> int:
        if self.settings.memory_limit_bytes:
            return self.settings.memory_limit_bytes - occupied_bytes
        free_gpu = await self.triton.free_gpu_bytes() if self.settings.instance_kind == "KIND_GPU" else None
        if free_gpu is not None:
            return free_gpu
        return free_memory_bytes(in_our_cgroup=bool(self.settings.triton_command))

    async def load(self, plan: Plan, release: Release, versions: tuple[int, ...]) -> None:
        """One load whose version policy is `versions`. It counts only when the index shows `release` READY."""
        try:
            await self._apply(plan, release.version, versions)
        except TritonTimeout:
            message = f"not loaded within {plan.load.timeout_seconds:g} s; raise load.timeoutSeconds if it is only slow"
            raise VersionFailed(Reason.LOAD_TIMEOUT, message) from None
        except TritonRefused as error:
            raise VersionFailed(Reason.LOAD_FAILED, str(error)) from None
        index = await self.triton.index(plan.model)
        if index.get(release.version) is not IndexState.READY:
            message = f"Triton accepted the load, but its index shows {index.get(release.version, 'nothing')}"
            raise VersionFailed(Reason.LOAD_FAILED, message)

    async def drop(self, plan: Plan, versions: tuple[int, ...]) -> None:
        """One load whose version policy is what stays. Raises TritonError."""
        await self._apply(plan, versions[0], versions)

    async def prove(self, plan: Plan, release: Release, paced: bool, trace: VersionTrace) -> Proof:
        """Checks golden outputs, warms up, asks about the acceptance set; `paced` leaves Triton time for requests."""

        contract = self.repository.contract(plan.model, release.version)

        async def infer(batch: NDArray[np.float32]) -> NDArray[np.float32]:
            try:
                return await self.triton.infer(plan.model, release.version, contract, batch, INFER_TIMEOUT_SECONDS)
            except TritonTimeout:
                message = f"no answer to a batch of {len(batch)} within {INFER_TIMEOUT_SECONDS:g} s"
                raise VersionFailed(Reason.WARMUP_ERROR, message) from None
            except TritonRefused as error:
                raise VersionFailed(Reason.WARMUP_ERROR, f"error for a batch of {len(batch)}: {error}") from None

        async def rest(seconds: float) -> None:
            if paced:
                await asyncio.sleep(seconds)

        golden = await asyncio.to_thread(self.repository.golden, plan.model, release.version)
        prover = Prover(infer, golden, time.monotonic, rest)
        max_batch_size = self.repository.config(plan.model, release.version).max_batch_size
        proof = await prover.prove(plan.warmup, max(1, max_batch_size), trace)
        if release.acceptance is None:
            return proof
        content = await asyncio.to_thread(self.sets.read, release.acceptance.digest)
        model = Model(contract, self.repository.preprocessing(plan.model, release.version))
        with trace.span("acceptance") as said:
            accepted = await accept(content, release.acceptance.digest, model, infer, time.monotonic, rest)
            said |= {"medinfer.acceptance.right": accepted.right, "medinfer.acceptance.total": accepted.total}
        return replace(proof, accepted=accepted)

    async def _apply(self, plan: Plan, config_of: int, versions: tuple[int, ...]) -> None:
        # Always the same in one process: a load with another config would reload what serves there.
        server_id = await self.triton.server_id()
        config = with_server_id(with_versions(self.repository.config(plan.model, config_of), versions), server_id)
        await self.triton.load(plan.model, to_override(config), plan.load.timeout_seconds)
