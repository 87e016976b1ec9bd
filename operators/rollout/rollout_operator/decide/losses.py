"""Whose doing the loss of a replica was: the cluster's, or perhaps that of the version that it served."""

from collections.abc import Iterable
from enum import Enum, auto

from rollout_operator.documents.container_end import ContainerEnd
from rollout_operator.documents.observation import Observation, Replica


class Loss(Enum):
    """`NONE`: pod and container are what they were."""

    NONE = auto()
    OF_THE_CLUSTER = auto()
    OF_THE_VERSION = auto()


def loss_of(seen: Observation, instance: str) -> Loss:
    """What became of an instance, `<pod uid>/<container>`.

    A pod that was deleted, drained, evicted or replaced is gone or terminating: no version does that. Nor does one stop
    its node from reporting. A container that ended while its pod stayed may have ended because of the version, unless
    it was ended from outside, and not for its silence.
    """
    uid, _, _ = instance.partition("/")
    pod = next((one for one in seen.replicas if one.uid == uid), None)
    if pod is None or pod.terminating:
        return Loss.OF_THE_CLUSTER
    if pod.instance == instance:
        return Loss.OF_THE_CLUSTER if pod.is_gone(seen.now_seconds) else Loss.NONE
    return Loss.OF_THE_CLUSTER if was_ended_from_outside(pod) else Loss.OF_THE_VERSION


def was_ended_from_outside(pod: Replica) -> bool:
    """Whether Triton's container was, last, and not for its silence.

    After a failed liveness probe the kubelet sends SIGTERM, then SIGKILL; but then it was silent for long before.

    SIGTERM needs the agent's word, because a failed probe is the usual cause in a pod that stays. SIGKILL does not: the
    agent may have been killed, too.
    """
    answered = pod.state.triton.ended_answering if pod.state else None
    if pod.triton_end is ContainerEnd.STOPPED:
        return answered is True
    return pod.triton_end is ContainerEnd.KILLED and answered is not False


def are_all_the_clusters(seen: Observation, instances: Iterable[str]) -> bool:
    """Something was lost, and nothing of it by the version. A connection may also break while all live on."""
    losses = {loss_of(seen, instance) for instance in instances} - {Loss.NONE}
    return losses == {Loss.OF_THE_CLUSTER}
