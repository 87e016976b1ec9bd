"""What judges and rules are given, and what they return."""

from dataclasses import dataclass, replace
from functools import cached_property

from rollout_operator.decide import replicas
from rollout_operator.decide.opening import Opening, find_opening
from rollout_operator.documents.observation import Observation, Replica
from rollout_operator.documents.release import Release
from rollout_operator.documents.spec import Spec
from rollout_operator.documents.status import Phase, Status
from rollout_operator.documents.step_kinds import Step, StepState, traffic_at

ACTIVE_REQUEUE_SECONDS = 1.0
IDLE_REQUEUE_SECONDS = 10.0


@dataclass(frozen=True)
class Event:
    """One transition, with the numbers in it."""

    reason: str
    message: str
    warning: bool = False


@dataclass(frozen=True)
class Situation:
    """What is wanted, what is remembered, what is seen, and the Events of this decision so far."""

    spec: Spec
    status: Status
    seen: Observation
    events: tuple[Event, ...] = ()

    def becomes(self, status: Status, *events: Event) -> "Situation":
        """With this status, and with these Events added."""
        return replace(self, status=status, events=self.events + events)

    @property
    def now(self) -> int:
        """Whole seconds since 1970."""
        return self.seen.now

    @property
    def wanted(self) -> Release:
        """The release that the spec asks for. What serves, or did just now, keeps the acceptance set that it passed."""
        wanted = self.spec.wanted
        served = next((one for one in (self.status.stable, self.status.previous) if one == wanted), None)
        return wanted.proved_as(served) if served else wanted

    @property
    def step(self) -> Step | None:
        """The present step; None before the first."""
        index = self.status.current_step_index
        return self.spec.steps[index] if index is not None and index < len(self.spec.steps) else None

    @property
    def traffic(self) -> Step:
        """The step whose traffic the canary is to have now."""
        return traffic_at(self.spec.steps, self.status.current_step_index) if self.status.canary else Step()

    @property
    def step_state(self) -> StepState:
        """What the end of the present step may depend on."""
        step, analysis = self.step, self.status.analysis
        opening = self.opening_of(step) if step else None
        return StepState(
            canary=self.wanted,
            seconds=self.now - (self.status.step_started_at or self.now),
            is_approved=opening is not None and opening.is_open,
            approval_wait=opening.wait if opening else "",
            assessment=analysis.last if analysis.assessed_at is not None else None,
        )

    def opening_of(self, step: Step) -> Opening | None:
        """Whether its gate is open for the wanted bytes; None: it has no gate."""
        attempt = self.status.attempt
        began = attempt.started_at if attempt and attempt.release == self.wanted else self.now
        return find_opening(self.spec, step, self.seen.approvers, began, self.now)

    @property
    def first_install_gates(self) -> tuple[tuple[Step, Opening], ...]:
        """Those that hold the first promotion, open or closed."""
        held = (step for step in self.spec.steps if step.kind.holds_first_install)
        return tuple((step, opening) for step in held if (opening := self.opening_of(step)))

    @cached_property
    def serving(self) -> tuple[Replica, ...]:
        """The replicas that count for a rollout: those that serve stable."""
        return replicas.serving(self.seen, self.status.stable)

    def warm_on(self, release: Release) -> tuple[str, ...]:
        """Names of the replicas that count and hold it warm, proved by its acceptance set where it has one."""
        return tuple(one.name for one in self.serving if replicas.is_proved(one, release, self.seen.routes))

    @property
    def is_warm_everywhere(self) -> bool:
        """The canary, on every replica that counts, and on one at least."""
        canary = self.status.canary
        return canary is not None and 0 < len(self.serving) == len(self.warm_on(canary))

    def describe_step(self) -> str:
        """For messages: `step 2/7`."""
        index = self.status.current_step_index
        return f"step {index + 1}/{len(self.spec.steps)}" if index is not None else "before its first step"


@dataclass(frozen=True)
class Ruling:
    """What a rule decided: where the rollout stands now, and why, in words for people.

    The plan and the routes follow from `status` alone. `reason`: that of the condition Ready.
    """

    status: Status
    phase: Phase
    reason: str
    message: str
    events: tuple[Event, ...] = ()
    requeue_seconds: float = ACTIVE_REQUEUE_SECONDS
