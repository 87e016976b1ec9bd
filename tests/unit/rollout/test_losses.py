"""Whose doing the loss of a replica was, as a table."""

from dataclasses import replace

import pytest
from rollout_operator.decide.losses import Loss, are_all_the_clusters, loss_of
from rollout_operator.documents.agent import AgentState, TritonReport
from rollout_operator.documents.container_end import ContainerEnd
from rollout_operator.documents.observation import GONE_AFTER_SECONDS, Observation, Replica

NOW = 1_000_000.0
SAME = Replica("triton-0", instance="u0/c0", uid="u0")
RESTARTED = replace(SAME, instance="u0/c1")
OTHER = Replica("triton-1", instance="u1/c0", uid="u1")


def ended(how: ContainerEnd, answering: bool | None) -> Replica:
    """Triton's container ended and runs again. `answering`: whether the agent says that it answered to the end."""
    return replace(RESTARTED, triton_end=how, state=AgentState("triton-0", triton=TritonReport(answering)))


@pytest.mark.parametrize(
    ("pods", "loss"),
    [
        pytest.param([SAME, OTHER], Loss.NONE, id="lives-on"),
        pytest.param([replace(SAME, not_ready_since=NOW - 9)], Loss.NONE, id="not-ready-for-a-moment"),
        pytest.param([replace(SAME, not_ready_since=NOW - GONE_AFTER_SECONDS)], Loss.OF_THE_CLUSTER, id="node-lost"),
        pytest.param([OTHER], Loss.OF_THE_CLUSTER, id="deleted-and-not-back"),
        pytest.param([replace(SAME, uid="u9", instance="u9/c9")], Loss.OF_THE_CLUSTER, id="replaced"),
        pytest.param([replace(SAME, terminating=True)], Loss.OF_THE_CLUSTER, id="drained"),
        pytest.param([replace(RESTARTED, terminating=True)], Loss.OF_THE_CLUSTER, id="ended-in-a-drain"),
        pytest.param([ended(ContainerEnd.KILLED, None)], Loss.OF_THE_CLUSTER, id="killed"),
        pytest.param([ended(ContainerEnd.KILLED, True)], Loss.OF_THE_CLUSTER, id="killed-while-it-answered"),
        pytest.param([ended(ContainerEnd.KILLED, False)], Loss.OF_THE_VERSION, id="killed-for-its-silence"),
        pytest.param([ended(ContainerEnd.STOPPED, True)], Loss.OF_THE_CLUSTER, id="stopped-while-it-answered"),
        pytest.param([ended(ContainerEnd.STOPPED, False)], Loss.OF_THE_VERSION, id="its-liveness-probe-failed"),
        pytest.param([ended(ContainerEnd.STOPPED, None)], Loss.OF_THE_VERSION, id="stopped-and-nobody-knows-why"),
        pytest.param([replace(RESTARTED, triton_end=ContainerEnd.STOPPED)], Loss.OF_THE_VERSION, id="silent-agent"),
        pytest.param([ended(ContainerEnd.OTHER, True)], Loss.OF_THE_VERSION, id="crashed-while-it-answered"),
        pytest.param([replace(RESTARTED, triton_end=ContainerEnd.OTHER)], Loss.OF_THE_VERSION, id="crashed"),
        pytest.param([RESTARTED], Loss.OF_THE_VERSION, id="nobody-knows-how-it-ended"),
        pytest.param(
            [replace(SAME, instance="", triton_end=ContainerEnd.OTHER)], Loss.OF_THE_VERSION, id="not-started-again"
        ),
    ],
)
def test_one_replica(pods: list[Replica], loss: Loss) -> None:
    assert loss_of(Observation(NOW, tuple(pods)), "u0/c0") is loss


@pytest.mark.parametrize(
    ("pods", "innocent"),
    [
        pytest.param([SAME, OTHER], False, id="nothing-was-lost"),
        pytest.param([OTHER], True, id="one-was-deleted"),
        pytest.param([], True, id="both-were-deleted"),
        pytest.param([replace(RESTARTED, triton_end=ContainerEnd.OTHER)], False, id="one-crashed-one-was-deleted"),
    ],
)
def test_all_of_them(pods: list[Replica], innocent: bool) -> None:
    assert are_all_the_clusters(Observation(NOW, tuple(pods)), ("u0/c0", "u1/c0")) is innocent
