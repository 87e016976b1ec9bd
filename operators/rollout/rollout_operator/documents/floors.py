"""What the platform team asks of every release, in the operator's settings. The edit that releases cannot lower it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from rollout_operator.documents.codec import Digest
from rollout_operator.documents.spec import Spec, Warmup

WHO = "whoever installs the operator sets operator.floors"
MAX_NAMED = 3


@dataclass(frozen=True)
class Floors:
    """The fields have the names of the spec's; None and empty: no floor.

    `atol`: warmup.golden.atol may be at most this. `min_samples`: of the analysis and of each shadow step.
    `required_gates`: names of gates that must stand before the first setWeight.
    `acceptance_digests`: spec.acceptance must name one of these sets.
    """

    atol: Annotated[float, Field(ge=0, le=1)] | None = None
    min_samples: Annotated[int, Field(ge=1)] | None = None
    min_agreement: Annotated[float, Field(ge=0, le=1)] | None = None
    acceptance_digests: Annotated[tuple[Digest, ...], Field(max_length=32)] = ()
    required_gates: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=63)], ...], Field(max_length=32)] = ()

    __pydantic_config__ = ConfigDict(alias_generator=to_camel, extra="forbid", allow_inf_nan=False)

    def refusals(self, spec: Spec) -> tuple[str, ...]:
        """A sentence for each field of the spec that is below its floor: its value, the floor, what to write."""
        return (*self._numbers(spec), *self._gates(spec), *self._acceptance(spec))

    def within(self, warmup: Warmup) -> Warmup:
        """With an atol that is no laxer than the floor."""
        if self.atol is None or warmup.golden.atol <= self.atol:
            return warmup
        return replace(warmup, golden=replace(warmup.golden, atol=self.atol))

    def _numbers(self, spec: Spec) -> Iterator[str]:
        atol, analysis = spec.warmup.golden.atol, spec.analysis
        if self.atol is not None and atol > self.atol:
            yield f"spec.warmup.golden.atol is {atol:g}, the floor is {self.atol:g}: write {self.atol:g} or less"
        yield from _less("spec.analysis.minSamples", analysis.min_samples, self.min_samples)
        for index, step in enumerate(spec.steps):
            if step.kind.min_compared:
                name = f"spec.strategy.steps[{index}].shadow.minSamples"
                yield from _less(name, step.kind.min_compared, self.min_samples)
        yield from _less("spec.analysis.minAgreement", analysis.min_agreement, self.min_agreement)

    def _gates(self, spec: Spec) -> Iterator[str]:
        before: list[str] = []
        for step in spec.steps:
            if step.kind.weight:
                break
            before.append(step.kind.gate_name)
        for gate in self.required_gates:
            if gate not in before:
                yield f"spec.strategy.steps has no gate {gate} before its first setWeight: add gate: {{name: {gate}}}"

    def _acceptance(self, spec: Spec) -> Iterator[str]:
        named = spec.acceptance.digest if spec.acceptance else "missing"
        if self.acceptance_digests and named not in self.acceptance_digests:
            listed = " or ".join(f"{digest[:19]}..." for digest in self.acceptance_digests[:MAX_NAMED])
            yield f"spec.acceptance.digest is {named[:19]}, the floor is a set of the hospital: write that of {listed}"


def _less(name: str, value: float, floor: float | None) -> Iterator[str]:
    if floor is not None and value < floor:
        yield f"{name} is {value:g}, the floor is {floor:g}: write {floor:g} or more"
