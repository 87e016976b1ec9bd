"""The kinds of step, one class each: the one file that knows what a kind does.

A new kind is a class here, a member of Step, and a property of the steps in the CRD: of those in the spec, and of those
in the status, where evidence repeats them. Everything else asks `step.kind` the questions of StepKind.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Annotated

from pydantic import Field
from pydantic.alias_generators import to_camel

from rollout_operator.documents.assessment import Assessment, Verdict
from rollout_operator.documents.codec import DOCUMENT
from rollout_operator.documents.release import Release
from rollout_operator.documents.wait import Wait

Percent = Annotated[int, Field(ge=1, le=100)]


@dataclass(frozen=True)
class StepState:
    """What the end of a step may depend on.

    `seconds`: since the step began. `is_approved`: spec.approvals opens its gate for `canary`. `approval_wait`: what
    the gate waits for otherwise. `assessment`: the last one of the traffic that holds in this step; None before the
    first.
    """

    canary: Release
    seconds: int
    is_approved: bool = False
    approval_wait: str = ""
    assessment: Assessment | None = None


class StepKind:
    """What is asked of a step. These are the answers of one that does nothing: it ends at once and moves no traffic."""

    @property
    def weight(self) -> int:
        """The canary's share of the requests that it sets, in percent; 0: none."""
        return 0

    @property
    def shadow_percent(self) -> int:
        """The share of stable's requests that it copies to the canary, in percent; 0: none."""
        return 0

    @property
    def min_compared(self) -> int:
        """How many copied requests must be compared before an assessment can pass."""
        return 0

    @property
    def gate_name(self) -> str:
        """The gate that a line in spec.approvals opens; empty: none."""
        return ""

    @property
    def holds_first_install(self) -> bool:
        """The first version becomes stable only when its gate is open."""
        return False

    @property
    def needs_passed_analysis(self) -> bool:
        """It begins only when the traffic before it was assessed as good."""
        return False

    @property
    def changes_traffic(self) -> bool:
        """Otherwise the traffic stays as the step before left it."""
        return self.weight > 0 or self.shadow_percent > 0

    @property
    def promotes(self) -> bool:
        """Its weight makes the canary stable."""
        return self.weight == 100

    def wait(self, state: StepState) -> Wait | None:
        """What the step waits for before it may end; None: it may end."""
        return None

    def stops_the_clock(self, state: StepState) -> bool:
        """The progress deadline does not run: the spec asks for this wait."""
        return False


@dataclass(frozen=True)
class ShadowStep(StepKind):
    """Copies `percent` of stable's requests to the canary; ends when `min_samples` were compared and agree."""

    percent: Percent
    min_samples: Annotated[int, Field(ge=1)] = 200

    __pydantic_config__ = DOCUMENT

    @property
    def shadow_percent(self) -> int:
        return self.percent

    @property
    def min_compared(self) -> int:
        return self.min_samples

    def wait(self, state: StepState) -> Wait | None:
        last = state.assessment
        if last and last.verdict is Verdict.PASSED:
            return None
        return Wait(
            "AwaitingSamples",
            f"waiting for enough copies that agree: {last.message if last else 'none is compared yet'}",
        )

    def __str__(self) -> str:
        return f"shadow {self.percent} %"


@dataclass(frozen=True)
class GateStep(StepKind):
    """Waits for a line in spec.approvals, for as long as it takes. `first_install`: the first promotion waits, too.

    None is left out of documents, so that steps written before this field was known keep their hash.
    """

    name: Annotated[str, Field(min_length=1)]
    first_install: bool | None = None

    __pydantic_config__ = DOCUMENT

    @property
    def gate_name(self) -> str:
        return self.name

    @property
    def holds_first_install(self) -> bool:
        return self.first_install is True

    def wait(self, state: StepState) -> Wait | None:
        if state.is_approved:
            return None
        return Wait("AwaitingApproval", f"gate {self.name} waits for {state.approval_wait}", intended=True)

    def stops_the_clock(self, state: StepState) -> bool:
        return not state.is_approved

    def __str__(self) -> str:
        return f"gate {self.name}"


@dataclass(frozen=True)
class PauseStep(StepKind):
    """Keeps the traffic as it is for `seconds`."""

    seconds: Annotated[int, Field(ge=0)]

    __pydantic_config__ = DOCUMENT

    def wait(self, state: StepState) -> Wait | None:
        left = self.seconds - state.seconds
        return Wait("Pausing", f"pause, {left} s left") if left > 0 else None

    def stops_the_clock(self, state: StepState) -> bool:
        return self.wait(state) is not None

    def __str__(self) -> str:
        return f"pause {self.seconds} s"


@dataclass(frozen=True)
class SetWeightStep(StepKind):
    """Gives the canary `percent` of the requests; 100 promotes it. In documents the number alone: `setWeight: 5`."""

    percent: Percent

    @property
    def weight(self) -> int:
        return self.percent

    @property
    def needs_passed_analysis(self) -> bool:
        return True

    def __str__(self) -> str:
        return f"setWeight {self.percent}"


@dataclass(frozen=True)
class Step:
    """A step as documents have it: exactly one member is set. A Step without members changes nothing."""

    shadow: ShadowStep | None = None
    gate: GateStep | None = None
    set_weight: Percent | None = None
    pause: PauseStep | None = None

    __pydantic_config__ = DOCUMENT

    @property
    def kind(self) -> StepKind:
        """The class that knows what this step does."""
        weight = SetWeightStep(self.set_weight) if self.set_weight is not None else None
        return self.shadow or self.gate or weight or self.pause or StepKind()

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the members that are set, as documents have them."""
        return tuple(to_camel(one.name) for one in fields(self) if getattr(self, one.name) is not None)

    def __str__(self) -> str:
        return str(self.kind) if self.members else ""


def traffic_at(steps: tuple[Step, ...], index: int | None) -> Step:
    """The step whose traffic holds at `index`: the last one up to it that changes traffic; an empty one before that.

    Gates and pauses leave the traffic as it is, so a shadow goes on while its gate waits.
    """
    passed = steps[: index + 1] if index is not None else ()
    return next((step for step in reversed(passed) if step.kind.changes_traffic), Step())


def step_problems(steps: tuple[Step, ...]) -> Iterator[str]:
    """What is wrong with a list of steps, one sentence each: the field, and what to write."""
    names = ", ".join(to_camel(one.name) for one in fields(Step))
    for index, step in enumerate(steps):
        if len(step.members) != 1:
            yield f"strategy.steps.{index}: write exactly one of {names}"
    kinds = [step.kind for step in steps]
    weights = [kind.weight for kind in kinds if kind.weight]
    if weights != sorted(weights):
        yield "strategy.steps: weights never fall; write each setWeight at least as large as the one before"
    gives_weight = [kind.weight > 0 for kind in kinds if kind.changes_traffic]
    if gives_weight != sorted(gives_weight):
        yield "strategy.steps: shadow after setWeight would take the weight away; write all shadow steps first"
    if not kinds or not kinds[-1].promotes:
        yield "strategy.steps: the last step must be setWeight: 100, which promotes; add it"
    if any(kind.promotes for kind in kinds[:-1]):
        yield "strategy.steps: setWeight: 100 promotes and can only be the last step; write a smaller weight before it"
    gates = [kind.gate_name for kind in kinds if kind.gate_name]
    if len(set(gates)) < len(gates):
        yield "strategy.steps: two gates have one name; give each its own"
