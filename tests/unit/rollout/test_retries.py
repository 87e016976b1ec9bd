"""A version that agents gave up because Triton died in two tries, and what its pod shows of how it died."""

import pytest
from rollout_operator.decide.judge.retries import MAX_RETRIES
from rollout_operator.documents.container_end import ContainerEnd

from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest


def give_up(made: Cluster, end: ContainerEnd) -> None:
    """As an agent does after the second death."""
    agent = made.agents["triton-0"]
    agent.die(end)
    agent.failed[digest(2)] = "TritonDied"


@pytest.mark.parametrize(
    ("end", "times", "phase"),
    [
        pytest.param(ContainerEnd.KILLED, 1, "Healthy", id="killed-from-outside"),
        pytest.param(ContainerEnd.KILLED, MAX_RETRIES, "Healthy", id="as-often-as-is-borne"),
        pytest.param(ContainerEnd.KILLED, MAX_RETRIES + 1, "RolledBack", id="too-often"),
        pytest.param(ContainerEnd.STOPPED, 1, "RolledBack", id="stopped-and-nobody-knows-why"),
        pytest.param(ContainerEnd.OTHER, 1, "RolledBack", id="crashed"),
        pytest.param(ContainerEnd.UNKNOWN, 1, "RolledBack", id="nobody-knows"),
    ],
)
def test_a_version_that_was_given_up(end: ContainerEnd, times: int, phase: str) -> None:
    made = release(cluster())
    made.run(1)
    for _ in range(times):
        give_up(made, end)
        made.run(3)
    made.run_until(phase)
    assert made.status["stable"]["version"] == (2 if phase == "Healthy" else 1)
