"""A version is asked on a replica only after the agent there called it warm, in this epoch of Triton."""

from dataclasses import replace

import pytest
from inference_api.routing.document import Replica
from inference_api.transport.proof_cache import ProofCache

REPLICA = Replica("triton-0", "127.0.0.1", 8000, frozenset({1, 2}))
PROVED_IN = replace(REPLICA, server_id="medinfer-1")


class Agents:
    """What is said of each version; None: cannot be asked."""

    def __init__(self) -> None:
        self.words: dict[int, bool | None] = {1: True, 2: True}
        self.asked: list[int] = []

    async def is_warm(self, replica: Replica, version: int) -> bool | None:
        self.asked.append(version)
        return self.words[version]


class Scene:
    def __init__(self) -> None:
        self.now, self.agents = 100.0, Agents()
        self.server_id: str | None = None
        self.server_id_reads = 0
        self.proof_cache = ProofCache(self.agents, lambda: self.now)

    async def read_server_id(self) -> str | None:
        self.server_id_reads += 1
        return self.server_id

    async def allows(self, version: int = 1, epoch: int = 1, replica: Replica = REPLICA) -> bool:
        return await self.proof_cache.allows(replica, version, epoch, self.read_server_id)


async def test_warm_once_is_asked_once() -> None:
    scene = Scene()
    assert await scene.allows()
    scene.now += 1e6
    assert await scene.allows()
    assert scene.agents.asked == [1]


async def test_another_epoch_and_another_version_are_asked_about() -> None:
    scene = Scene()
    await scene.allows()
    scene.agents.words = {1: False, 2: False}
    assert await scene.allows()
    assert not await scene.allows(epoch=2)
    assert not await scene.allows(version=2)
    assert scene.agents.asked == [1, 1, 2]


@pytest.mark.parametrize(
    ("word", "allowed", "counts_seconds"),
    [pytest.param(False, False, 0.2, id="not warm"), pytest.param(None, True, 1.0, id="cannot be asked")],
)
async def test_what_may_change_counts_for_a_moment(word: bool | None, allowed: bool, counts_seconds: float) -> None:
    """The moment keeps many requests from asking the same at once."""
    scene = Scene()
    scene.agents.words[1] = word
    for _ in range(2):
        assert await scene.allows() is allowed
    assert scene.agents.asked == [1]
    scene.now += counts_seconds
    scene.agents.words[1] = True
    assert await scene.allows()
    assert scene.agents.asked == [1, 1]


@pytest.mark.parametrize(("word", "allowed"), [(True, True), (False, False), (None, False)])
async def test_where_the_routes_do_not_name_it_only_its_agent_can_vouch(word: bool | None, allowed: bool) -> None:
    scene = Scene()
    scene.agents.words[1] = word
    scene.server_id = "medinfer-1"
    assert await scene.allows(replica=replace(PROVED_IN, versions=frozenset())) is allowed
    assert scene.server_id_reads == 0


@pytest.mark.parametrize(
    ("word", "server_id", "allowed"),
    [
        pytest.param(None, "medinfer-1", True, id="the-same-process"),
        pytest.param(None, "medinfer-2", False, id="it-restarted-since"),
        pytest.param(None, "triton", False, id="somebody-else-started-it"),
        pytest.param(None, None, False, id="it-does-not-answer"),
        pytest.param(True, "medinfer-2", True, id="its-agent-has-proved-it-since"),
        pytest.param(False, "medinfer-1", False, id="its-agent-says-no"),
    ],
)
async def test_without_its_agent_the_routes_count_for_the_process_that_they_are_about(
    word: bool | None, server_id: str | None, allowed: bool
) -> None:
    """A Triton restarted, its agent died while it proved the version again, and the operator was away: the routes still
    named the version, and a new API pod, which had never asked that agent, sent it a request. test_chaos.py found it.
    """
    scene = Scene()
    scene.agents.words[1], scene.server_id = word, server_id
    assert await scene.allows(replica=PROVED_IN) is allowed


async def test_a_process_is_recognised_once_and_another_one_asked_about_again() -> None:
    scene = Scene()
    scene.agents.words[1], scene.server_id = None, "medinfer-1"
    for _ in range(2):
        assert await scene.allows(replica=PROVED_IN)
        scene.now += 1e6
    assert scene.server_id_reads == 1
    scene.server_id = "medinfer-2"
    assert not await scene.allows(replica=PROVED_IN, epoch=2)
    scene.now += 0.2
    assert await scene.allows(replica=replace(PROVED_IN, server_id="medinfer-2"), epoch=2), "the routes are new"


async def test_a_version_that_left_the_replica_is_asked_about_when_it_comes_back() -> None:
    scene = Scene()
    await scene.allows(version=2)
    scene.proof_cache.keep_only([replace(REPLICA, versions=frozenset({1}))])
    scene.agents.words[2] = False
    assert not await scene.allows(version=2)
