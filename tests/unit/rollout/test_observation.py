"""What is believed of what agents and API pods say."""

import pytest
from medinfer_common.revisions import MAX_SECONDS_AHEAD
from rollout_operator.documents.agent import AgentState
from rollout_operator.documents.api import ApiState
from rollout_operator.documents.observation import ApiPod, Observation, Replica

NOW = 1_800_000_000


@pytest.mark.parametrize(
    ("obeyed", "newest"),
    [
        pytest.param((), 0, id="nobody-says"),
        pytest.param((NOW, NOW + 3), NOW + 3, id="the-highest"),
        pytest.param((NOW, NOW + MAX_SECONDS_AHEAD + 1), NOW, id="from-far-ahead"),
        pytest.param((2**53 - 1,), 0, id="a-lie-that-no-later-revision-could-top"),
    ],
)
def test_a_revision_from_far_ahead_is_not_believed(obeyed: tuple[int, ...], newest: int) -> None:
    """Such an answer once stopped all publishing: the next revision did not fit its own bound."""
    replicas = tuple(Replica(f"t-{n}", state=AgentState(f"t-{n}", revision=one)) for n, one in enumerate(obeyed))
    pods = tuple(ApiPod(f"a-{n}", state=ApiState("s", revision=one)) for n, one in enumerate(obeyed))
    seen = Observation(NOW, replicas, pods)
    assert (seen.newest_plan_revision, seen.newest_routes_revision) == (newest, newest)
