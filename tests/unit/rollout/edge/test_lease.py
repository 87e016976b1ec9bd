"""Who may hold the Lease."""

from typing import Any

import pytest
from rollout_operator.edge.lease import Sighting, build_lease, may_take, sight

LEASE_SECONDS = 10


def lease(holder: str | None, renewed: str = "t1", promised_seconds: int | None = LEASE_SECONDS) -> dict[str, Any]:
    return {"spec": {"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": promised_seconds}}


def seen(holder: str, since_seconds: float, promised_seconds: float = LEASE_SECONDS) -> Sighting:
    return Sighting(holder, "t1", promised_seconds, since_seconds)


@pytest.mark.parametrize(
    ("sighting", "may"),
    [
        pytest.param(seen("a", 100), True, id="it-is-ours"),
        pytest.param(seen("", 100), True, id="it-was-given-back"),
        pytest.param(seen("b", 100), False, id="another-was-just-seen-alive"),
        pytest.param(seen("b", 90.1), False, id="another-was-alive-a-moment-less-than-the-time-ago"),
        pytest.param(seen("b", 90), True, id="another-gave-no-sign-of-life-for-the-whole-time"),
        pytest.param(seen("b", 90, promised_seconds=30), False, id="another-that-leads-for-longer-by-its-own-word"),
        pytest.param(seen("b", 96, promised_seconds=4), True, id="another-that-leads-for-less-by-its-own-word"),
        pytest.param(seen("b", 90, promised_seconds=0), True, id="another-that-does-not-say-for-how-long"),
    ],
)
def test_who_may_take_it(sighting: Sighting, may: bool) -> None:
    assert may_take(sighting, "a", LEASE_SECONDS, now_seconds=100) is may


@pytest.mark.parametrize(
    ("now", "since"),
    [
        pytest.param(lease("b"), 1, id="unchanged: first seen then"),
        pytest.param(lease("b", "t2"), 5, id="renewed: alive now"),
        pytest.param(lease("c"), 5, id="another holder: alive now"),
    ],
)
def test_a_holder_lives_while_the_record_changes(now: dict[str, Any], since: float) -> None:
    first = sight(lease("b"), None, now_seconds=1)
    assert sight(now, first, now_seconds=5).since_seconds == since


@pytest.mark.parametrize("empty", [{}, {"spec": None}, lease(None, promised_seconds=None)])
def test_a_record_that_says_nothing_is_free(empty: dict[str, Any]) -> None:
    assert may_take(sight(empty, None, now_seconds=1), "a", LEASE_SECONDS, now_seconds=1)


def test_a_new_record() -> None:
    made = build_lease("operator", "a", LEASE_SECONDS, 0.25, None)
    assert made["metadata"] == {"name": "operator"}
    assert made["spec"] == {
        "holderIdentity": "a",
        "leaseDurationSeconds": LEASE_SECONDS,
        "acquireTime": "1970-01-01T00:00:00.250000Z",
        "renewTime": "1970-01-01T00:00:00.250000Z",
        "leaseTransitions": 1,
    }


def test_renewing_moves_only_the_time_and_keeps_the_version() -> None:
    first = build_lease("operator", "a", LEASE_SECONDS, 0, None)
    first["metadata"]["resourceVersion"] = "7"
    again = build_lease("operator", "a", LEASE_SECONDS, 2, first)
    assert again["metadata"] == {"name": "operator", "resourceVersion": "7"}
    assert again["spec"] == first["spec"] | {"renewTime": "1970-01-01T00:00:02.000000Z"}


def test_a_takeover_and_a_return_are_transitions() -> None:
    first = build_lease("operator", "a", LEASE_SECONDS, 0, None)
    taken = build_lease("operator", "b", LEASE_SECONDS, 20, first)
    assert (taken["spec"]["holderIdentity"], taken["spec"]["leaseTransitions"]) == ("b", 2)
    assert taken["spec"]["acquireTime"] == taken["spec"]["renewTime"] != first["spec"]["acquireTime"]
    returned = build_lease("operator", "", LEASE_SECONDS, 30, taken)
    assert (returned["spec"]["holderIdentity"], returned["spec"]["leaseTransitions"]) == ("", 3)
