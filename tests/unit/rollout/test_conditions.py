"""The kstatus table, row by row."""

import pytest
from rollout_operator.decide.conditions import Summary, derive_conditions
from rollout_operator.documents.status import Condition, Phase

TABLE = [
    # phase, available, (Available, Ready, Reconciling, Stalled)
    *[
        (phase, True, ("True", "Unknown", "True", "-"))
        for phase in (
            Phase.PENDING,
            Phase.VERIFYING,
            Phase.LOADING,
            Phase.WARMING,
            Phase.SHADOWING,
            Phase.PROGRESSING,
            Phase.PAUSED,
            Phase.PROMOTING,
            Phase.ROLLING_BACK,
        )
    ],
    (Phase.HEALTHY, True, ("True", "True", "-", "-")),
    (Phase.ROLLED_BACK, True, ("True", "False", "-", "True")),
    (Phase.HELD, True, ("True", "False", "-", "True")),
    (Phase.BLOCKED, True, ("True", "False", "-", "True")),
    (Phase.BLOCKED, False, ("False", "False", "-", "True")),
    (Phase.DEGRADED, False, ("False", "False", "True", "-")),
]


def derive(phase: Phase, available: bool, now: int = 7, before: tuple[Condition, ...] = ()) -> tuple[Condition, ...]:
    return derive_conditions(Summary(phase, "Why", "because", available, 3, now), before)


@pytest.mark.parametrize(("phase", "available", "expected"), TABLE, ids=lambda value: str(value))
def test_each_phase_has_its_row(phase: Phase, available: bool, expected: tuple[str, ...]) -> None:
    found = {one.type: one.status for one in derive(phase, available)}
    assert tuple(found.get(type, "-") for type in ("Available", "Ready", "Reconciling", "Stalled")) == expected


def test_every_phase_is_in_the_table() -> None:
    assert {phase for phase, _, _ in TABLE} == set(Phase)


def test_the_transition_time_moves_with_the_status_only() -> None:
    first = derive(Phase.LOADING, True, now=7)
    second = derive(Phase.WARMING, True, now=9, before=first)
    third = derive(Phase.HEALTHY, True, now=11, before=second)
    times = [{one.type: one.last_transition_time for one in conditions} for conditions in (first, second, third)]
    assert [time["Ready"] for time in times] == [7, 7, 11]
    assert [time["Available"] for time in times] == [7, 7, 7]
    assert {one.observed_generation for one in third} == {3}
