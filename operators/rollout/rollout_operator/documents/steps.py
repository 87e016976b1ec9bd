"""The steps of a strategy, and the traffic that holds at each."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from rollout_operator.documents.codec import DOCUMENT

Percent = Annotated[int, Field(ge=1, le=100)]


@dataclass(frozen=True)
class ShadowStep:
    """Copies `percent` of stable's requests to the canary; ends when `min_samples` were compared and agree."""

    percent: Percent
    min_samples: Annotated[int, Field(ge=1)] = 200

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class GateStep:
    """Waits for a line in spec.approvals."""

    name: Annotated[str, Field(min_length=1)]

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class PauseStep:
    seconds: Annotated[int, Field(ge=0)]

    __pydantic_config__ = DOCUMENT


@dataclass(frozen=True)
class Step:
    """Exactly one member is set."""

    shadow: ShadowStep | None = None
    gate: GateStep | None = None
    set_weight: Percent | None = None
    pause: PauseStep | None = None

    __pydantic_config__ = DOCUMENT

    @property
    def members(self) -> int:
        return sum(part is not None for part in (self.shadow, self.gate, self.set_weight, self.pause))

    @property
    def changes_traffic(self) -> bool:
        return self.shadow is not None or self.set_weight is not None

    @property
    def promotes(self) -> bool:
        return self.set_weight == 100

    def __str__(self) -> str:
        if self.shadow:
            return f"shadow {self.shadow.percent} %"
        if self.gate:
            return f"gate {self.gate.name}"
        if self.pause:
            return f"pause {self.pause.seconds} s"
        return f"setWeight {self.set_weight}"


def traffic_at(steps: tuple[Step, ...], index: int | None) -> Step:
    """The step whose traffic holds at `index`: the last one up to it that changes traffic; an empty one before that.

    Gates and pauses leave the traffic as it is, so a shadow goes on while its gate waits.
    """
    passed = steps[: index + 1] if index is not None else ()
    return next((step for step in reversed(passed) if step.changes_traffic), Step())
