"""An agent's loop over a Triton in memory, for tests of what it does and in which order."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from google.protobuf import json_format
from modelctl.bundle.contract import Contract
from numpy.typing import NDArray
from replica_agent.acceptance.fetching import SetFetcher
from replica_agent.acceptance.sets import AcceptanceSets
from replica_agent.agent import Agent
from replica_agent.attempts import Attempts
from replica_agent.bundles import Bundles
from replica_agent.config import ModelConfig, server_id_of
from replica_agent.fetch import Fetcher
from replica_agent.files import empty_folder
from replica_agent.kept_proofs import KeptProofs
from replica_agent.metrics import Metrics
from replica_agent.plan import Release
from replica_agent.plan_source import Follower
from replica_agent.replica import Replica
from replica_agent.repository import Repository
from replica_agent.server_id import new_server_id
from replica_agent.settings import Settings
from replica_agent.snapshot import Snapshot
from replica_agent.state import IndexState
from replica_agent.tracing import Tracer
from replica_agent.triton import Triton
from replica_agent.verification.signatures import Signatures
from replica_agent.vitals import Vitals

from tests.unit.agent.bundles import release
from tests.unit.agent.plans import document


class MemoryTriton:
    """A Triton in memory. `on_load` is called before a load and may raise; it answers with the golden outputs."""

    def __init__(self) -> None:
        self.connected, self.connection, self.refused = True, 1, False
        self.states: dict[int, IndexState] = {}
        self.loads: list[list[int]] = []
        self.on_load: Callable[[list[int]], None] = lambda versions: None
        self.on_index: Callable[[], None] = lambda: None
        self.logits = np.zeros(4, np.float32)
        self.loaded_with = ModelConfig()
        self.asked, self.vitals = 0, Vitals()
        self.id = new_server_id()

    def restart(self) -> None:
        self.states, self.connection, self.id = {}, self.connection + 1, new_server_id()

    async def index(self, model: str) -> Mapping[int, IndexState]:
        self.on_index()
        return dict(self.states)

    async def load(self, model: str, override: str, timeout_seconds: float) -> None:
        versions = [int(version) for version in json.loads(override)["version_policy"]["specific"]["versions"]]
        self.loads.append(versions)
        self.on_load(versions)
        self.loaded_with = json_format.Parse(override, ModelConfig())
        self.states = dict.fromkeys(versions, IndexState.READY)

    async def server_id(self) -> str:
        return self.id

    async def loaded_for(self, model: str, version: int) -> str:
        return server_id_of(self.loaded_with)

    async def infer(
        self, model: str, version: int, contract: Contract, batch: NDArray[np.float32], timeout_seconds: float
    ) -> NDArray[np.float32]:
        self.asked += 1
        return np.tile(self.logits, (len(batch), 1))

    async def free_gpu_bytes(self) -> int | None:
        return 1 << 40


class Source:
    is_live = True

    def __init__(self) -> None:
        self.text: bytes | str = "there is no plan"

    def follow(self, **roles: int) -> None:
        self.want(**{role: release(version) for role, version in roles.items()})

    def want(self, **roles: Release) -> None:
        named: dict[str, Any] = {role: one.model_dump() for role, one in roles.items()}
        self.text = json.dumps(document(**named)).encode()

    def read(self) -> bytes | str:
        return self.text


class Bench:
    """An agent over a folder; `run` starts it, and a second `run` restarts it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.triton, self.source = folder, MemoryTriton(), Source()
        self.attempts_path, self.proofs_path = folder / "attempts.json", folder / "proofs.json"
        self.tracer = Tracer(None, "triton-0")
        self.signatures: Signatures | None = None

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Agent]:
        triton = cast(Triton, self.triton)
        settings = Settings(plan_file=self.folder / "plan.json", data_dir=self.folder, allowed_prefixes=("file:/",))
        empty_folder(self.folder / "staging")
        bundles = Bundles(self.folder / "bundles")
        repository = Repository(self.folder / "repository", self.folder / "staging", "KIND_GPU")
        fetcher = Fetcher(bundles, self.folder, "triton-0", 0, settings.rules)
        sets = AcceptanceSets(self.folder / "acceptance")
        set_fetcher = SetFetcher(sets, self.folder, "triton-0", 0, settings.rules)
        replica = Replica(settings, triton, repository, bundles, fetcher, sets, set_fetcher, self.signatures)
        follower = Follower(self.source, self.folder / "kept.json")
        remembered = Attempts(self.attempts_path), KeptProofs(self.proofs_path)
        agent = Agent("triton-0", replica, follower, *remembered, Metrics(), self.tracer)
        task = asyncio.create_task(agent.run())
        try:
            yield agent
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(agent: Agent, holds: Callable[[Snapshot], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds(agent.snapshot):
            agent.wake()
            await asyncio.sleep(0)


def states(snapshot: Snapshot) -> dict[int, str]:
    return {entry.version: entry.reason or entry.state.value for entry in snapshot.versions}
