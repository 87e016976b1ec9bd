"""Random sequences of everything that happens to a rollout: the invariants hold at every decision, and it ends."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rollout_operator.documents.spec import Artifact, OnFailure, OnInsufficientData
from rollout_operator.documents.step_kinds import PauseStep, Step

from tests.unit.rollout.invariants import check_all
from tests.unit.rollout.simulated_agent import Agent, Behaviour
from tests.unit.rollout.simulated_api import Api
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import STEPS, digest, spec, uri

BEHAVIOURS = {
    digest(1): Behaviour(),
    digest(2): Behaviour(),
    digest(3): Behaviour(),
    digest(4): Behaviour(fails="GoldenMismatch"),
    digest(5): Behaviour(fails="LoadFailed"),
    digest(2, "bad"): Behaviour(fails="DigestMismatch"),
    digest(6): Behaviour(error_share=0.3),
    digest(7): Behaviour(wrong_share=0.3),
    digest(8): Behaviour(slow=True),
    digest(9): Behaviour(fails="TritonDied"),
    digest(10): Behaviour(fails="FetchFailed"),
}
EXAMPLES = int(os.environ.get("WALKS", "60"))
ENDS = {"Healthy", "RolledBack", "Held", "Blocked"}
OTHER_STEPS = (Step(set_weight=20), Step(pause=PauseStep(3)), Step(set_weight=100))

Act = Callable[[Cluster, int], None]


def agent(cluster: Cluster, n: int) -> Agent:
    return list(cluster.agents.values())[n % len(cluster.agents)]


def api(cluster: Cluster, n: int) -> Api | None:
    return list(cluster.apis.values())[n % len(cluster.apis)] if cluster.apis else None


def go_on(cluster: Cluster, n: int) -> None:
    cluster.run(1 + n % 12)


def want_another_version(cluster: Cluster, n: int) -> None:
    wanted = sorted(BEHAVIOURS)[n % len(BEHAVIOURS)]
    version = _version(wanted)
    cluster.edit(version=version, artifact=Artifact(uri(version), wanted))


def abort(cluster: Cluster, n: int) -> None:
    """The line is reverted; some ticks later it is back."""
    before = cluster.spec
    want_another_version(cluster, sorted(BEHAVIOURS).index(digest(1)))
    cluster.run(n % 6)
    cluster.edit(version=before.version, artifact=before.artifact)


def _version(wanted: str) -> int:
    return next(number for number in range(1, 11) if wanted in (digest(number), digest(number, "bad")))


def edit_steps(cluster: Cluster, n: int) -> None:
    steps = (STEPS, OTHER_STEPS)[n % 2]
    cluster.edit(strategy=replace(cluster.spec.strategy, steps=steps))


def edit_policy(cluster: Cluster, n: int) -> None:
    fail, data = list(OnFailure)[n % 2], list(OnInsufficientData)[n // 2 % 2]
    cluster.edit(
        strategy=replace(cluster.spec.strategy, on_failure=fail, keep_previous_seconds=(0, 60)[n // 4 % 2]),
        analysis=replace(cluster.spec.analysis, on_insufficient_data=data),
    )


def suspend(cluster: Cluster, n: int) -> None:
    cluster.edit(suspend=bool(n % 2))


def withdraw_approvals(cluster: Cluster, n: int) -> None:
    cluster.edit(approvals=() if n % 2 else spec().approvals)


def retry(cluster: Cluster, n: int) -> None:
    cluster.edit(retry=f"try {n}")


def roll_the_statefulset(cluster: Cluster, n: int) -> None:
    cluster.rolling = bool(n % 2)


def kill_triton(cluster: Cluster, n: int) -> None:
    agent(cluster, n).die()


def stop_agent(cluster: Cluster, n: int) -> None:
    one = agent(cluster, n)
    one.up, one.not_ready_since = False, one.not_ready_since or cluster.now


def start_agent(cluster: Cluster, n: int) -> None:
    agent(cluster, n).up = True


def reset_agent(cluster: Cluster, n: int) -> None:
    """The replica is deleted and comes back with an empty disk."""
    name = agent(cluster, n).name
    cluster.agents[name] = Agent(name, uid=cluster.agents[name].uid + 1, not_ready_since=cluster.now)


def end_replica(cluster: Cluster, n: int) -> None:
    agent(cluster, n).terminating = True


def add_replica(cluster: Cluster, n: int) -> None:
    if len(cluster.agents) < 4:
        name = f"triton-{len(cluster.agents)}"
        cluster.agents[name] = Agent(name, not_ready_since=cluster.now)


def drop_replica(cluster: Cluster, n: int) -> None:
    if len(cluster.agents) > 1:
        cluster.agents.popitem()


def stop_api(cluster: Cluster, n: int) -> None:
    if one := api(cluster, n):
        one.up, one.not_ready_since = False, one.not_ready_since or cluster.now


def start_api(cluster: Cluster, n: int) -> None:
    if one := api(cluster, n):
        one.up, one.not_ready_since = True, None


def suspend_canary(cluster: Cluster, n: int) -> None:
    if one := api(cluster, n):
        one.suspend()


def restart_api(cluster: Cluster, n: int) -> None:
    if one := api(cluster, n):
        one.restart()


def vanish_api(cluster: Cluster, n: int) -> None:
    if one := api(cluster, n):
        del cluster.apis[one.name]


def add_api(cluster: Cluster, n: int) -> None:
    cluster.apis[f"api-new-{n}"] = Api(f"api-new-{n}")


def repeat_an_old_answer(cluster: Cluster, n: int) -> None:
    if one := api(cluster, n):
        one.stale = None if one.stale else one.state()


def slow_readers(cluster: Cluster, n: int) -> None:
    cluster.lag = (0.0, 0.5, 0.9)[n % 3]


def stop_traffic(cluster: Cluster, n: int) -> None:
    cluster.requests = (0, 60)[n % 2]


def crash_operator(cluster: Cluster, n: int) -> None:
    """It dies before, between or after its writes, and comes back without memory."""
    cluster.tick(crash=n % 4)
    cluster.readings = {}


def stop_operator(cluster: Cluster, n: int) -> None:
    cluster.operator_up = False
    cluster.run(1 + n % 30)
    cluster.operator_up = True


def lose_status(cluster: Cluster, n: int) -> None:
    cluster.status = {}


def restore_old_status(cluster: Cluster, n: int) -> None:
    cluster.status = cluster.old[-1 - n % len(cluster.old)][2] if cluster.old else {}


def lose_plan(cluster: Cluster, n: int) -> None:
    cluster.plan_text = ""


def lose_routes(cluster: Cluster, n: int) -> None:
    cluster.routes_text = ""


def restore_old_plan(cluster: Cluster, n: int) -> None:
    cluster.plan_text = cluster.old[-1 - n % len(cluster.old)][0] if cluster.old else ""


def restore_old_routes(cluster: Cluster, n: int) -> None:
    cluster.routes_text = cluster.old[-1 - n % len(cluster.old)][1] if cluster.old else ""


def lose_everything(cluster: Cluster, n: int) -> None:
    """Somebody deletes the object and both documents, while some of the agents cannot be asked."""
    for one in list(cluster.agents.values())[: n % 3]:
        one.up, one.not_ready_since = False, one.not_ready_since or cluster.now
    cluster.status, cluster.plan_text, cluster.routes_text = {}, "", ""


def scribble_routes(cluster: Cluster, n: int) -> None:
    cluster.routes_text = cluster.routes_text.replace('"weight": 100', '"weight": 50')


def wait_long(cluster: Cluster, n: int) -> None:
    cluster.run(3, seconds=100)


ACTS: tuple[Act, ...] = (
    go_on,
    *(want_another_version,) * 5,
    *(abort,) * 5,
    *(stop_api,) * 2,
    *(kill_triton,) * 2,
    edit_steps,
    edit_policy,
    suspend,
    withdraw_approvals,
    retry,
    roll_the_statefulset,
    kill_triton,
    stop_agent,
    start_agent,
    reset_agent,
    end_replica,
    add_replica,
    drop_replica,
    stop_api,
    start_api,
    restart_api,
    suspend_canary,
    vanish_api,
    add_api,
    repeat_an_old_answer,
    slow_readers,
    stop_traffic,
    crash_operator,
    stop_operator,
    lose_status,
    restore_old_status,
    lose_plan,
    lose_routes,
    restore_old_plan,
    restore_old_routes,
    scribble_routes,
    lose_everything,
    wait_long,
)

# Half of all acts let the machine go on: without time nothing happens to it.
acts = st.one_of(st.just(go_on), st.sampled_from(ACTS))
walks = st.lists(st.tuples(acts, st.integers(0, 40)), min_size=1, max_size=25)


def make_quiet(cluster: Cluster) -> None:
    """Everything works again, and nobody is asked for anything."""
    cluster.lag, cluster.rolling, cluster.requests = 0.0, False, 60
    for one in cluster.agents.values():
        one.up, one.terminating = True, False
    for pod in cluster.apis.values():
        pod.up, pod.stale, pod.not_ready_since = True, None, None
    if not cluster.apis:
        cluster.apis["api-last"] = Api("api-last")


def assert_it_ends(cluster: Cluster) -> None:
    for _ in range(300):
        cluster.tick()
        if cluster.phase in ENDS or _is_asked_to_wait(cluster):
            break
    else:
        raise AssertionError(f"still {cluster.phase}: {cluster.status.get('message')}")
    assert cluster.decision is not None
    if cluster.phase == "Paused":
        return
    cluster.run(100)  # the keep window passes
    before = cluster.phase, cluster.plan_text, cluster.routes_text
    cluster.run(20)
    assert (cluster.phase, cluster.plan_text, cluster.routes_text) == before, "it does not come to rest"


def _is_asked_to_wait(cluster: Cluster) -> bool:
    reasons = {one["reason"] for one in cluster.status.get("conditions", ()) if one["type"] == "Ready"}
    return bool(reasons & {"Suspended", "AwaitingApproval"})


# Coverage would count lines that only some walks reach, and the walks would take twice as long.
@pytest.mark.no_cover
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(walk=walks, seed=st.integers(0, 5), release=st.integers(0, 10), ticks=st.integers(0, 40))
def test_invariants_hold_on_any_walk_and_it_always_ends(
    walk: list[tuple[Act, int]], seed: int, release: int, ticks: int
) -> None:
    """The walk begins anywhere between the edit of the version and the end of its keep window."""
    cluster = Cluster(spec(1), BEHAVIOURS, replicas=1 + seed % 3, seed=seed)
    cluster.is_traced = bool(seed % 2)
    cluster.checks.append(check_all)
    cluster.run(4)
    cluster.lag = (0.0, 0.6)[seed % 2]
    want_another_version(cluster, release)
    cluster.run(ticks)
    for act, n in walk:
        act(cluster, n)
        cluster.tick()
    make_quiet(cluster)
    assert_it_ends(cluster)
