"""Simulated agents and API pods speak as the real ones do: the operator's own readers are asked."""

from typing import Any

import pytest
from rollout_operator.documents.agent import AgentState, TritonReport, VersionState, parse_agent_state
from rollout_operator.documents.api import ApiState, parse_api_state
from rollout_operator.documents.counters import quantile_seconds

from ci.bench.operator import objects
from ci.bench.operator.agents import Agent
from ci.bench.operator.apis import Api

STABLE, NEXT = ({"version": one, **objects.release(one)["artifact"]} for one in (1, 2))
WARM_SECONDS = 10.0


def plan(revision: int, **parts: Any) -> dict[str, Any]:
    return {"id": f"id-{revision}", "revision": revision, **parts}


def routes(revision: int, step: str, weight: int = 0, shadow: int = 0) -> dict[str, Any]:
    document: dict[str, Any] = {"id": f"id-{revision}", "revision": revision, "step": step}
    document["stable"] = {"version": 1, "weight": 100 - weight}
    if weight or shadow:
        document["canary"] = {"version": 2, "weight": weight}
    return document | ({"shadow": {"percent": shadow}} if shadow else {})


def reported(agent: Agent, now_seconds: float) -> AgentState:
    return parse_agent_state(agent.answer(now_seconds))


def states(agent: Agent, now_seconds: float) -> dict[int, str]:
    return {one.version: str(one.state) for one in reported(agent, now_seconds).versions}


@pytest.mark.parametrize(
    ("seconds", "state"), [(0, "Fetching"), (2.5, "Verifying"), (4, "Loading"), (9, "Warming"), (10, "Warm")]
)
def test_an_agent_takes_its_time(seconds: float, state: str) -> None:
    agent = Agent("triton-0", WARM_SECONDS)
    agent.follow(plan(1, canary=STABLE), 100.0)
    assert states(agent, 100.0 + seconds) == {1: state}


def test_what_is_warm_says_all_that_routes_need() -> None:
    agent = Agent("triton-0", WARM_SECONDS)
    assert reported(agent, 0.0) == AgentState(
        "triton-0", "start-of-triton-0", triton=TritonReport(server_id="medinfer-triton-0")
    )
    agent.follow(plan(7, stable=STABLE), 0.0)
    state = reported(agent, WARM_SECONDS)
    (found,) = state.versions
    assert (state.id, state.revision, found.state, found.role) == ("id-7", 7, VersionState.WARM, "stable")
    assert found.uri == STABLE["uri"] and found.labels and found.preprocessing and found.warmup


@pytest.mark.parametrize(
    ("replicas", "held"),
    [
        pytest.param({}, {1, 2}, id="without-a-list-all"),
        pytest.param({"replicas": ["triton-0"]}, {1, 2}, id="named"),
        pytest.param({"replicas": ["triton-1"]}, {1}, id="another-is-named"),
        pytest.param({"replicas": []}, {1}, id="none"),
    ],
)
def test_a_canary_is_for_some_replicas(replicas: dict[str, Any], held: set[int]) -> None:
    agent = Agent("triton-0", WARM_SECONDS)
    agent.follow(plan(1, stable=STABLE, canary=NEXT | replicas), 0.0)
    assert set(states(agent, 0.0)) == held


def test_a_promotion_loads_nothing_again_and_an_old_plan_is_no_instruction() -> None:
    agent = Agent("triton-0", WARM_SECONDS)
    agent.follow(plan(1, stable=STABLE, canary=NEXT), 0.0)
    agent.follow(plan(2, stable=NEXT), WARM_SECONDS)
    agent.follow(plan(1, stable=STABLE), WARM_SECONDS)
    assert states(agent, WARM_SECONDS) == {2: "Warm"}


def counted(api: Api, now_seconds: float) -> ApiState:
    return parse_api_state(api.answer(now_seconds))


def test_an_api_pod_counts_by_the_weights() -> None:
    api = Api("api-0", 10.0)
    assert (counted(api, 5.0).id, counted(api, 5.0).counters) == (None, {})
    api.follow(routes(1, "a", weight=20), 100.0)
    state = counted(api, 110.0)
    assert {version: one.requests for version, one in state.counters.items()} == {"1": 80, "2": 20}
    assert quantile_seconds(state.counters["1"], state.latency_bounds_seconds, 0.5) == pytest.approx(0.01, rel=0.2)


def test_another_step_counts_from_zero_and_old_routes_are_no_instruction() -> None:
    api = Api("api-0", 10.0)
    api.follow(routes(1, "a"), 0.0)
    api.follow(routes(2, "a"), 50.0)
    assert counted(api, 60.0).counters["1"].requests == 600
    api.follow(routes(3, "b"), 60.0)
    api.follow(routes(2, "a"), 61.0)
    assert (counted(api, 70.0).step, counted(api, 70.0).counters["1"].requests) == ("b", 100)


def test_copies_in_shadow_agree() -> None:
    api = Api("api-0", 10.0)
    api.follow(routes(1, "a", shadow=50), 0.0)
    shadow = counted(api, 10.0).shadow
    assert (shadow.samples, shadow.agreed, shadow.failed, shadow.matrix[0]) == (48, 48, 0, (12, 0, 0, 0))
