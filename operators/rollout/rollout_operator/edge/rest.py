"""A rollout at rest: what a look saw that had nothing to do. While all of that stays, no other look has anything to do.

Then a look need not read the rollout, which our watches show, nor plan and routes, which pods watch: who obeys them
says when they are gone, emptied, edited or older. What is written is never based on it: a look that finds anything
else goes on to a whole one, which reads from the API server what it may write.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rollout_operator.decide.decision import Decision
from rollout_operator.documents.agent import AgentState
from rollout_operator.documents.api import ApiState
from rollout_operator.documents.codec import Json
from rollout_operator.documents.counters import Shadow
from rollout_operator.documents.observation import Observation
from rollout_operator.documents.status import Phase
from rollout_operator.edge.pods import PodRecord
from rollout_operator.edge.rollout_objects import Objects, Selector

# After so long, a quarter more or less, a whole look is due whatever the watches show: one of them may have missed
# something. Those of many rollouts shall not come together.
WHOLE_LOOK_SECONDS = 120.0


@dataclass(frozen=True)
class Answers:
    """Each pod with its answer; None: it did not answer, or answered nonsense."""

    replicas: tuple[tuple[PodRecord, AgentState | None], ...]
    api_pods: tuple[tuple[PodRecord, ApiState | None], ...]

    @property
    def silent(self) -> list[PodRecord]:
        """Those without an answer."""
        return [pod for pod, state in (*self.replicas, *self.api_pods) if state is None]

    def are_settled(self, plan_id: str, routes_id: str) -> bool:
        """There are agents and API pods; all are Ready, and see the plan and the routes that they obey, these."""
        there = all(pod.not_ready_since is None and not pod.terminating for pod, _ in (*self.replicas, *self.api_pods))
        agents = {state and (state.id, state.rejected is None) for _, state in self.replicas}
        apis = {state and (state.id, state.rejected is None) for _, state in self.api_pods}
        return there and agents == {(plan_id, True)} and apis == {(routes_id, True)}

    def readings(self) -> dict[str, ApiState]:
        """The answer of each API pod that gave one, by name."""
        return {pod.name: state for pod, state in self.api_pods if state}

    def say_the_same(self, other: "Answers") -> bool:
        """But for what API pods count."""
        return self.replicas == other.replicas and _without_counts(self) == _without_counts(other)


@dataclass(frozen=True)
class Sighting:
    """A rollout as the watches show it. `listing`: how often they began anew; deletions in between go unseen."""

    listing: int
    uid: str
    resource_version: str

    def is_of(self, rollout: Json) -> bool:
        """The object is this one, as it was seen."""
        metadata = rollout["metadata"]
        return (self.uid, self.resource_version) == (metadata.get("uid"), metadata.get("resourceVersion"))


@dataclass(frozen=True)
class Rest:
    """`rollout`: what says which workloads it refers to. `since_seconds`, `until_seconds`: of whole looks."""

    sighting: Sighting
    rollout: Json
    workloads: tuple[tuple[str, str, Json | None], ...]
    selectors: tuple[Selector, Selector]
    answers: Answers
    since_seconds: float
    until_seconds: float

    def is_over(self, now_seconds: float) -> bool:
        """A whole look is due; so it is when the clock was set back."""
        return not self.since_seconds <= now_seconds < self.until_seconds


def rest_of(
    objects: Objects, answers: Answers, decision: Decision, sighting: Sighting | None, seen: Observation
) -> Rest | None:
    """None: something is under way or waited for, so that time alone may change the decision, or not all is watched."""
    if sighting is None or not sighting.is_of(objects.rollout) or seen.plan is None or seen.routes is None:
        return None
    if not _rests(decision) or not answers.are_settled(seen.plan.id, seen.routes.id):
        return None
    return Rest(
        sighting,
        {"metadata": objects.rollout["metadata"], "spec": objects.rollout["spec"]},
        (("StatefulSet", objects.triton_name, objects.triton), ("Deployment", objects.api_name, objects.api)),
        (objects.triton_selector, objects.api_selector),
        answers,
        seen.now_seconds,
        seen.now_seconds + WHOLE_LOOK_SECONDS * (0.75 + 0.5 * int(seen.random_hex[:4], 16) / 2**16),
    )


def _rests(decision: Decision) -> bool:
    """While a previous version is kept, the clock and the counts of stable decide about it."""
    status = decision.status
    return decision.report.phase is Phase.HEALTHY and status.canary is None and status.previous is None


def _without_counts(answers: Answers) -> Sequence[tuple[PodRecord, ApiState | None]]:
    return [(pod, state and _bare(state)) for pod, state in answers.api_pods]


def _bare(state: ApiState) -> ApiState:
    return replace(state, in_flight={}, counters={}, shadow=Shadow(), latency_bounds_seconds=())
