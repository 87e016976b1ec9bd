"""Everything outside that a decision depends on, at one moment."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from medinfer_common.revisions import is_ahead

from rollout_operator.approvals.approvers import Approvers
from rollout_operator.documents.agent import AgentState
from rollout_operator.documents.api import ApiState
from rollout_operator.documents.container_end import ContainerEnd
from rollout_operator.documents.floors import Floors
from rollout_operator.documents.plan import Plan
from rollout_operator.documents.routes import Routes

GONE_AFTER_SECONDS = 300


@dataclass(frozen=True)
class Pod:
    """`not_ready_since`: None while the pod is Ready. A pod that is terminating but runs still counts."""

    name: str
    terminating: bool = False
    not_ready_since: float | None = None

    def is_gone(self, now_seconds: float) -> bool:
        """It was not Ready for GONE_AFTER_SECONDS: nothing waits for it any more."""
        return self.not_ready_since is not None and now_seconds - self.not_ready_since >= GONE_AFTER_SECONDS


@dataclass(frozen=True)
class Replica(Pod):
    """A Triton pod. `instance`: pod uid and Triton's container id. `state`: None when the agent does not answer.

    `triton_end`: how Triton's container ended before the one that runs now.
    """

    url: str = ""
    agent_url: str = ""
    instance: str = ""
    state: AgentState | None = None
    uid: str = ""
    triton_end: ContainerEnd = ContainerEnd.UNKNOWN


@dataclass(frozen=True)
class ApiPod(Pod):
    """`state`: None when it does not answer, or answers nonsense."""

    state: ApiState | None = None


@dataclass(frozen=True)
class Observation:
    """What is seen at one moment. The lists of pods are complete: a pod that is not in them is taken to be gone.

    `plan` and `routes`: as they are published; None when absent, empty or invalid. `rolling`: the StatefulSet is being
    updated. `rival`: an older ModelRollout that refers to the same StatefulSet or Deployment. `readings`: the last
    answer of each API process (by start id) that the operator remembers. A restart of the operator empties it, which
    loses counts and nothing else. `trace_seed`: the object's uid, from which ids of traces are made; empty: nothing is
    traced. `sent_spans`: by id of a trace, of how many of its spans a collector has heard. `edited_at`: when the
    version was last written, in seconds since 1970, for the trace of its try. `approvers`: who may open gates; None
    when none are configured. `random_hex`: another one each time, which nobody can guess. `floors`: what the
    operator's settings ask of every release.
    """

    now_seconds: float
    replicas: tuple[Replica, ...] = ()
    api_pods: tuple[ApiPod, ...] = ()
    plan: Plan | None = None
    routes: Routes | None = None
    desired_replicas: int = 0
    rolling: bool = False
    rival: str = ""
    readings: Mapping[str, ApiState] = field(default_factory=dict)
    trace_seed: str = ""
    sent_spans: Mapping[str, int] = field(default_factory=dict)
    approvers: Approvers | None = None
    random_hex: str = ""
    floors: Floors = field(default_factory=Floors)
    edited_at: int | None = None

    @property
    def now(self) -> int:
        """Whole seconds since 1970."""
        return int(self.now_seconds)

    @property
    def live_api_pods(self) -> tuple[ApiPod, ...]:
        """Those that are not given up."""
        return tuple(pod for pod in self.api_pods if not pod.is_gone(self.now_seconds))

    @property
    def live_replicas(self) -> tuple[Replica, ...]:
        """Those that are not given up."""
        return tuple(one for one in self.replicas if not one.is_gone(self.now_seconds))

    @property
    def newest_plan_revision(self) -> int:
        """Of the plan as it is and of those that agents obey."""
        obeyed = (one.state.revision for one in self.replicas if one.state)
        return self._newest(self.plan.revision if self.plan else 0, obeyed)

    @property
    def newest_routes_revision(self) -> int:
        """The highest of the routes as published and of those that API pods obey."""
        obeyed = (pod.state.revision for pod in self.api_pods if pod.state)
        return self._newest(self.routes.revision if self.routes else 0, obeyed)

    def _newest(self, published: int, obeyed: Iterable[int]) -> int:
        believed = (revision for revision in obeyed if not is_ahead(revision, self.now))
        return max((published, *believed))


Document = TypeVar("Document", Plan, Routes)


def unless_ahead(document: Document | None, now_seconds: float) -> Document | None:
    """None for a document whose revision is more than a day ahead: neither API pods nor agents obey it.

    Somebody else wrote it, or the clock was wrong. It is written again under a revision that is obeyed.
    """
    return document if document and not is_ahead(document.revision, now_seconds) else None
