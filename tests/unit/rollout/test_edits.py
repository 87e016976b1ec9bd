"""The spec is edited while a rollout is under way, or after it."""

from dataclasses import replace

import pytest
from rollout_operator.documents.step_kinds import PauseStep, Step

from tests.unit.rollout.healthy_cluster import cluster, condition, release, served, weights
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest

LONG_STEPS = (Step(set_weight=5), Step(pause=PauseStep(100)), Step(set_weight=100))


def at_five_percent(made: Cluster) -> Cluster:
    """In a long pause at 5 %."""
    release(made)
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, steps=LONG_STEPS))
    made.run(12)
    assert made.routes and made.routes.canary_weight == 5
    return made


@pytest.mark.parametrize("ticks", [1, 2, 4, 6, 8, 12, 16])
def test_the_line_reverted_at_any_time_is_an_abort(ticks: int) -> None:
    made = release(cluster()).run(ticks)
    release(made, 1).tick()
    assert made.routes and made.routes.canary is None, "the weight goes at once"
    made.run_until("Healthy").run(3)
    assert (made.status["stable"]["version"], served(made)) == (1, [1])


def test_a_third_version_waits_until_the_second_is_gone() -> None:
    made = at_five_percent(cluster())
    release(made, 3)
    made.run_until("Healthy")
    assert (made.status["stable"]["version"], served(made)) == (3, [1, 3])


def test_back_to_the_version_before_inside_the_keep_window_is_at_once() -> None:
    made = release(cluster()).run_until("Healthy").run(3)
    release(made, 1)
    made.edit(suspend=True)
    made.tick()
    assert made.routes and (made.routes.stable.version, made.routes.stable.weight) == (1, 100)
    made.run_until("Healthy")


def test_back_to_an_older_version_after_the_keep_window_takes_no_steps() -> None:
    made = release(cluster()).run_until("Healthy").run(80)
    assert served(made) == [2]
    release(made, 1)
    assert weights(made, 15) == [0]
    assert (made.phase, made.status["stable"]["version"]) == ("Healthy", 1)


def test_a_version_before_that_is_not_warm_everywhere_is_warmed_first() -> None:
    made = release(cluster()).run_until("Healthy").run(3)
    made.agents["triton-0"].drop(1)
    made.lag = 1.0  # nobody reads, so the replica is as it is
    release(made, 1).tick()
    assert made.routes and made.routes.stable.version == 2
    made.lag = 0.0
    made.run_until("Healthy")
    assert (made.status["stable"]["version"], made.reasons.count("StepStarted")) == (1, 6)


def test_a_new_release_inside_the_keep_window_first_drops_the_version_before() -> None:
    made = release(cluster()).run_until("Healthy").run(3)
    assert served(made) == [1, 2]
    release(made, 3).run_until("Healthy")
    assert served(made) == [2, 3]


def test_making_room_waits_for_api_pods_that_may_address_what_goes() -> None:
    made = release(cluster()).run_until("Promoting")
    late = made.apis["api-0"]
    late.stale = late.state()
    release(made, 3).run(10)
    assert made.plan and [one.version for one in made.plan.releases] == [2, 1]
    assert (made.phase, "api-0" in made.status["message"]) == ("Pending", True)
    late.stale = None
    made.run_until("Healthy")


def test_making_room_waits_for_agents_that_still_hold_what_goes() -> None:
    made = release(cluster()).run_until("Healthy")
    release(made, 3)
    made.lag = 1.0
    made.run(10)
    assert made.plan and [one.version for one in made.plan.releases] == [2]
    assert "triton-0, triton-1 still holds" in made.status["message"]
    made.lag = 0.0
    made.run_until("Healthy")


@pytest.mark.parametrize("ticks", [12, 60], ids=["while-it-is-released", "after-it-was-promoted"])
def test_the_same_number_with_other_bytes_is_blocked(ticks: int) -> None:
    made = release(cluster()).run(ticks)
    made.behaviours[digest(2, "other")] = Behaviour()
    release(made, bytes="other").run_until("Blocked")
    assert condition(made, "Ready") == ("False", "VersionReused")
    assert digest(2, "other") not in {held for one in made.agents.values() for held in one.loaded.values()}


def test_edited_steps_start_again_at_weight_0_with_nothing_loaded_again() -> None:
    made = at_five_percent(cluster())
    made.edit(strategy=replace(made.spec.strategy, steps=(Step(set_weight=10), *LONG_STEPS[1:])))
    made.tick()
    assert made.routes and made.routes.canary is None
    assert served(made) == [1, 2]
    assert weights(made, 5) == [0, 10] or weights(made, 5) == [10]


def test_suspend_stops_what_goes_forward_and_nothing_else() -> None:
    made = at_five_percent(cluster())
    made.edit(suspend=True)
    made.run(150)
    assert (made.phase, condition(made, "Ready")) == ("Paused", ("Unknown", "Suspended"))
    assert made.routes and made.routes.canary_weight == 5, "what it has, it keeps"
    made.behaviours[digest(2)] = Behaviour(error_share=0.5)
    made.run_until("RollingBack", 20)
    assert made.routes and made.routes.canary is None, "taking away is not delayed"


def test_a_suspended_release_loads_nothing() -> None:
    made = cluster()
    made.edit(suspend=True)
    made.spec = replace(release(made).spec, suspend=True)
    made.run(10)
    assert (made.phase, served(made)) == ("Paused", [1])


def test_suspended_while_it_loads_nobody_else_loads_it() -> None:
    made = release(cluster(replicas=3)).run(2)
    made.edit(suspend=True)
    made.run(10)
    assert (made.phase, sum(2 in one.loaded for one in made.agents.values())) == ("Paused", 1)
    made.edit(suspend=False)
    made.run_until("Healthy")


def test_a_moved_bundle_is_only_another_address() -> None:
    made = at_five_percent(cluster())
    made.edit(artifact=replace(made.spec.artifact, uri="s3://models/2.tar"))
    made.tick()
    assert made.plan and made.plan.canary and made.plan.canary.uri == "s3://models/2.tar"
    assert made.routes and made.routes.canary_weight == 5


def test_a_fixed_address_lets_a_stuck_fetch_go_on() -> None:
    made = release(cluster(Behaviour(fails="FetchFailed"))).run(20)
    made.behaviours[digest(2)] = Behaviour()
    for agent in made.agents.values():
        agent.failed.clear()  # the agent tries a fetch again by itself
    made.run_until("Healthy")
