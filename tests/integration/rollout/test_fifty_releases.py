"""Fifty releases in a row, good and bad by turns: nothing grows, and no request fails."""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from statistics import median

import psutil
import pytest

from ci.stack.kubernetes import Cluster
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.rollouts import RolloutStack

pytestmark = [pytest.mark.integration, pytest.mark.soak, pytest.mark.timeout(5400)]

RELEASES = 50
FIRST = 100
GOOD, PERMUTED, UNLOADABLE, WRONG_GOLDEN, ALWAYS_FAILS = 2, 3, 5, 10, 12
STEPS = [{"shadow": {"percent": 100, "minSamples": 40}}, {"setWeight": 20}, {"setWeight": 100}]
ANALYSIS = {"intervalSeconds": 2, "minSamples": 20}
# Each part settles in the first fifth; from then on its memory is compared, as medians of the next and the last fifth.
MAX_GROWTH, SLACK_BYTES = 1.10, 8 << 20

Memory = dict[str, int]


@pytest.fixture
def stack(cluster: Cluster, bundles: Path, tmp_path: Path) -> Iterator[RolloutStack]:
    made = RolloutStack(Namespace(cluster), bundles, tmp_path, subnet=82)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_fifty_releases_in_a_row_leave_memory_flat(stack: RolloutStack, images: list[bytes]) -> None:
    bad = cycle((PERMUTED, UNLOADABLE, WRONG_GOLDEN, ALWAYS_FAILS))
    likes = [next(bad) if number % 2 else GOOD for number in range(RELEASES)]
    versions = [stack.make_version(FIRST + number, like) for number, like in enumerate(likes)]
    told = stack.expected(images, 1, GOOD)
    expected = {1: told[1]} | dict.fromkeys(versions, told[GOOD])
    memory: list[Memory] = []
    with stack.load(images, expected, rate_per_second=20, max_seconds=5000) as load:
        for version, like in zip(versions, likes, strict=True):
            stack.apply(version, steps=STEPS, analysis=ANALYSIS, strategy={"keepPreviousSeconds": 5})
            if like == GOOD:
                stack.wait_for_ready(version)
            else:
                stack.wait_for_phase("RolledBack")
            memory.append(_memory(stack))
        result = load.finish(at_least=1000)
    grown = _growth(memory)
    print(_table(memory, grown))
    assert result.failed == 0
    assert result.by_version().keys() == {1, *versions[::2]}, "every good version served, no bad one answered anybody"
    flat = {part: share for part, share in grown.items() if not part.endswith("tritonserver")}
    assert max(flat.values()) <= MAX_GROWTH, f"grew by more than a tenth: {flat}"


def _memory(stack: RolloutStack) -> Memory:
    """Bytes resident of each part, children included."""
    agents = {f"{name} agent": pod.agent.pid for name, pod in stack.tritons.items()}
    tritons = {f"{name} tritonserver": pod.triton.pid for name, pod in stack.tritons.items()}
    others = {process.name: process.pid for process in (*stack.apis.values(), *stack.operators)}
    return {part: _resident_bytes(pid) for part, pid in (agents | tritons | others).items()}


def _resident_bytes(pid: int) -> int:
    process = psutil.Process(pid)
    return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))


def _growth(memory: list[Memory]) -> dict[str, float]:
    """Last fifth against second fifth, of each part; what is within the slack is 1."""
    fifth = max(1, len(memory) // 5)
    found = {}
    for part in memory[0]:
        early = median(one[part] for one in memory[fifth : 2 * fifth])
        late = median(one[part] for one in memory[-fifth:])
        found[part] = late / early if late - early > SLACK_BYTES else 1.0
    return found


def _table(memory: list[Memory], grown: dict[str, float]) -> str:
    rows = [
        f"{part}: {memory[0][part] >> 20} MiB after one release, {memory[-1][part] >> 20} MiB after all, x{share:.2f}"
        for part, share in grown.items()
    ]
    return "\n".join(rows)
