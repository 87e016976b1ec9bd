"""A release from the edit of its version to its end, each way it can go."""

from dataclasses import replace

import pytest
from rollout_operator.decide.decide import decide
from rollout_operator.documents.spec import OnFailure, OnInsufficientData
from rollout_operator.documents.status import Outcome, parse_status
from rollout_operator.documents.step_kinds import PauseStep, Step

from tests.unit.rollout.healthy_cluster import GOOD, cluster, condition, release, served, weights
from tests.unit.rollout.invariants import check_all
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import STEPS, approval, digest, spec


def test_first_install_makes_the_first_proved_version_stable() -> None:
    made = Cluster(spec(1), GOOD)
    made.checks.append(check_all)
    made.tick()
    assert (made.phase, condition(made, "Available"), condition(made, "Ready")) == (
        "Verifying",
        ("False", "StableMissing"),
        ("Unknown", "Verifying"),
    )
    made.run_until("Healthy")
    assert (condition(made, "Available"), condition(made, "Ready")) == (("True", "Serving"), ("True", "Promoted"))
    assert condition(made, "Reconciling") == ("-", "-")


@pytest.mark.parametrize("reason", ["DigestMismatch", "GoldenMismatch", "LoadFailed", "ConfigChanged"])
def test_a_failed_first_install_waits_for_the_next_edit(reason: str) -> None:
    made = Cluster(spec(1), GOOD | {digest(1): Behaviour(fails=reason)})
    made.run_until("Blocked")
    assert (condition(made, "Available")[0], condition(made, "Ready"), condition(made, "Stalled")[0]) == (
        "False",
        ("False", reason),
        "True",
    )
    release(made, 2).run_until("Healthy")


def test_a_number_whose_bytes_were_loaded_stands_for_them_even_if_they_failed() -> None:
    made = Cluster(spec(1), GOOD | {digest(1): Behaviour(fails="GoldenMismatch"), digest(1, "b"): Behaviour()})
    made.run_until("Blocked")
    release(made, 1, bytes="b").run_until("Blocked")
    assert condition(made, "Ready") == ("False", "VersionReused")
    release(made, 2).run_until("Healthy")


def test_a_good_release_takes_every_step_and_is_promoted() -> None:
    made = release(cluster())
    assert weights(made, 40) == [0, 5, 50, 0]
    assert (made.phase, made.status["stable"]["version"]) == ("Healthy", 2)
    assert [reason for reason in made.reasons if reason == "StepStarted"] == ["StepStarted"] * (len(STEPS) - 1)
    assert served(made) == [1, 2], "the previous version is kept warm"
    assert served(made.run(60)) == [2]
    attempt = parse_status(made.status).history[-1]
    assert (attempt.outcome, len(attempt.steps), attempt.steps[1].approved_by) == (Outcome.PROMOTED, 6, "Dr. Roentgen")
    assert attempt.steps[3].canary_requests > attempt.steps[3].canary_errors == 0


def test_replicas_load_it_one_after_the_other() -> None:
    made = release(cluster(replicas=3))
    loading = []
    for _ in range(12):
        made.tick()
        loading.append(sum(2 in one.loaded and 2 not in one.warm for one in made.agents.values()))
    assert max(loading) == 1


def test_the_gate_waits_for_an_approval_of_these_bytes() -> None:
    made = release(cluster(), approvals=(approval(2, "other"), approval(1))).run_until("Paused")
    assert condition(made, "Ready") == ("Unknown", "AwaitingApproval")
    assert digest(2) in made.status["message"], "the line to write is shown"
    made.run(300)
    assert (made.phase, made.routes and made.routes.canary_weight) == ("Paused", 0), "a gate has no deadline"
    made.edit(approvals=(approval(2),))
    made.run_until("Healthy")


def test_a_wrong_digest_is_blocked_and_the_corrected_one_succeeds() -> None:
    made = cluster()
    made.behaviours[digest(2, "bad")] = Behaviour(fails="DigestMismatch")
    release(made, bytes="bad").run_until("Blocked")
    assert condition(made, "Ready") == ("False", "DigestMismatch")
    assert (served(made), condition(made, "Available")[0]) == ([1], "True")
    release(made).run_until("Healthy")


@pytest.mark.parametrize(
    ("reason", "replicas", "quarantined", "phase"),
    [
        pytest.param("DigestMismatch", 3, True, "Blocked", id="wrong-bytes-are-wrong-everywhere"),
        pytest.param("ConfigChanged", 3, False, "Blocked", id="another-config-may-fit-another-stable"),
        pytest.param("GoldenMismatch", 3, True, "RolledBack", id="wrong-answers-are-wrong-everywhere"),
        pytest.param("LoadFailed", 3, False, "RolledBack", id="one-replica-of-three-may-be-the-broken-one"),
        pytest.param("LoadFailed", 1, True, "RolledBack", id="the-only-replica-is-evidence-enough"),
        pytest.param("TritonDied", 3, False, "RolledBack", id="a-crash-is-contained-on-the-first-replica"),
    ],
)
def test_what_fails_on_a_replica(reason: str, replicas: int, quarantined: bool, phase: str) -> None:
    made = cluster(Behaviour(fails=reason), replicas)
    touched = []
    release(made)
    for _ in range(12):
        made.tick()
        touched.append(sum(digest(2) in one.failed for one in made.agents.values()))
    assert (made.phase, max(touched), served(made)) == (phase, 1, [1])
    assert parse_status(made.status).is_quarantined(made.spec.wanted) is quarantined
    release(made, 3).run_until("Healthy")


@pytest.mark.parametrize("concurrent", [2, 3])
def test_load_failed_on_two_replicas_is_quarantined(concurrent: int) -> None:
    made = cluster(Behaviour(fails="LoadFailed"), 3)
    made.run(0)
    release(made)
    made.spec = replace(made.spec, load=replace(made.spec.load, max_concurrent_replicas=concurrent))
    made.run_until("RolledBack")
    assert parse_status(made.status).is_quarantined(made.spec.wanted)


@pytest.mark.parametrize(
    ("bad", "most"),
    [
        pytest.param(Behaviour(error_share=0.2), 0, id="errors-are-seen-in-shadow"),
        pytest.param(Behaviour(wrong_share=0.3), 0, id="permuted-labels-are-seen-in-shadow"),
        pytest.param(Behaviour(slow=True), 5, id="slowness-is-seen-at-the-first-weight"),
    ],
)
def test_a_bad_canary_is_rolled_back_and_quarantined(bad: Behaviour, most: int) -> None:
    made = release(cluster(bad))
    assert max(weights(made, 40)) == most
    assert (made.phase, condition(made, "Ready"), condition(made, "Stalled")[0]) == (
        "RolledBack",
        ("False", "RolledBack"),
        "True",
    )
    assert "AnalysisFailed" in made.reasons
    assert served(made) == [1]


def test_errors_without_a_shadow_end_it_within_two_intervals() -> None:
    made = release(cluster(Behaviour(error_share=0.3)))
    made.spec = replace(
        made.spec, strategy=replace(made.spec.strategy, steps=(Step(set_weight=50), Step(set_weight=100)))
    )
    made.run_until("Progressing")
    began = made.now
    made.run_until("RollingBack")
    assert made.now - began <= 2 * made.spec.analysis.interval_seconds + 1
    assert made.routes and made.routes.canary_weight == 0, "the weight goes in the tick of the verdict"


def test_one_failed_request_in_a_quiet_night_is_no_series_of_failures() -> None:
    made = release(cluster())
    steps = (Step(set_weight=50), Step(set_weight=100))
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, steps=steps))
    made.run_until("Progressing")
    made.behaviours[digest(2)], made.requests = Behaviour(error_share=1.0), 2
    made.tick()
    for api in made.apis.values():
        api.up = True
        api.stale = api.state()
    made.run(20)
    assert parse_status(made.status).analysis.failures == 1
    assert made.phase == "Progressing"


@pytest.mark.parametrize(
    ("policy", "phase"),
    [
        pytest.param(OnInsufficientData.HOLD, "Progressing", id="hold-waits-for-samples"),
        pytest.param(OnInsufficientData.FAIL, "RolledBack", id="fail-ends-it-without-quarantine"),
    ],
)
def test_too_few_samples_are_never_success(policy: OnInsufficientData, phase: str) -> None:
    made = cluster()
    made.requests = 0
    steps = (Step(set_weight=5), Step(pause=PauseStep(3)), Step(set_weight=100))
    release(made)
    made.spec = replace(
        made.spec,
        strategy=replace(made.spec.strategy, steps=steps),
        analysis=replace(made.spec.analysis, on_insufficient_data=policy, min_samples=1000),
    )
    made.run(30)
    assert made.phase == phase
    assert not parse_status(made.status).quarantined


def test_a_held_failure_keeps_the_canary_without_traffic_until_retry() -> None:
    made = release(cluster(Behaviour(error_share=0.3)))
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, on_failure=OnFailure.HOLD))
    made.run_until("Held").run(5)
    assert (served(made), made.routes and made.routes.canary, condition(made, "Ready")) == (
        [1, 2],
        None,
        ("False", "Held"),
    )
    made.behaviours[digest(2)] = Behaviour()
    made.edit(retry="labels were corrected upstream")
    made.run_until("Healthy")


def test_a_quarantined_digest_is_not_loaded_again_before_retry() -> None:
    made = release(cluster(Behaviour(fails="GoldenMismatch"))).run_until("RolledBack")
    release(made, 1).run_until("Healthy")
    release(made, 2).run(10)
    assert (made.phase, served(made)) == ("RolledBack", [1])
    release(made, 3).run_until("Healthy")
    made.run(70)
    release(made, 2).run(5)
    assert served(made) == [3]
    made.behaviours[digest(2)] = Behaviour()
    made.edit(retry="again")
    made.run_until("Healthy")
    assert served(made) == [2, 3]


def test_no_progress_stalls_without_quarantine_and_an_edit_tries_again() -> None:
    made = release(cluster(Behaviour(fails="FetchFailed"))).run(100)
    assert (made.phase, "FetchFailed" in made.status["message"]) == ("Verifying", True)
    made.run_until("RolledBack")
    failure = parse_status(made.status).last_failure
    assert failure and failure.reason == "ProgressDeadlineExceeded"
    assert not parse_status(made.status).quarantined
    made.behaviours[digest(2)] = Behaviour()
    made.edit(retry="the store is back")
    made.run_until("Healthy")


def test_a_pause_longer_than_the_deadline_is_no_standstill() -> None:
    made = cluster()
    made.requests = 0
    steps = (Step(set_weight=5), Step(pause=PauseStep(400)), Step(set_weight=100))
    release(made)
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, steps=steps))
    made.run(300)
    assert (made.phase, condition(made, "Ready")) == ("Progressing", ("Unknown", "Pausing"))


def test_a_version_that_fails_in_the_keep_window_goes_back() -> None:
    made = release(cluster()).run_until("Promoting")
    made.behaviours[digest(2)] = Behaviour(error_share=0.5)
    made.run_until("RollingBack", 20)
    assert made.routes and made.routes.stable.version == 1
    made.run_until("RolledBack")
    assert (served(made), made.status["quarantined"][0]["version"]) == ([1], 2)


def test_a_version_that_fell_back_has_to_take_the_steps_again() -> None:
    """That it was promoted once is no proof any more."""
    made = release(cluster()).run_until("Promoting")
    made.behaviours[digest(2)] = Behaviour(error_share=0.5)
    made.run_until("RolledBack")
    made.behaviours[digest(2)] = Behaviour()
    made.reasons.clear()
    made.edit(retry="the sensor was broken, not the model")
    made.run_until("Healthy")
    assert made.reasons.count("StepStarted") == len(STEPS) - 1


def test_nobody_new_loads_what_failed_and_is_held() -> None:
    made = release(cluster(Behaviour(fails="LoadFailed"), replicas=4))
    strategy = replace(made.spec.strategy, on_failure=OnFailure.HOLD)
    made.spec = replace(made.spec, strategy=strategy, load=replace(made.spec.load, max_concurrent_replicas=2))
    made.run_until("Held").run(10)
    assert sum(digest(2) in one.failed for one in made.agents.values()) == 2


@pytest.mark.parametrize(
    ("bad", "phase"),
    [
        pytest.param(None, "Healthy", id="healthy"),
        pytest.param(Behaviour(fails="GoldenMismatch"), "RolledBack", id="rolled-back"),
        pytest.param(Behaviour(fails="DigestMismatch"), "Blocked", id="blocked"),
    ],
)
def test_at_rest_there_is_nothing_to_write(bad: Behaviour | None, phase: str) -> None:
    """A thousand rollouts at rest must not cost a write each tick."""
    made = release(cluster(bad)).run_until(phase).run(70)
    before = made.status
    made.tick()
    assert made.decision and (made.decision.plan, made.decision.routes, made.decision.events) == (None, None, ())
    assert made.status == before


def test_each_transition_is_reported_once() -> None:
    made = release(cluster())
    made.reasons.clear()
    made.run_until("Healthy").run(20)
    assert made.reasons == ["Started", *["StepStarted"] * (len(STEPS) - 1), "Promoted", "Healthy"]
    release(made, bytes="other").run(10)
    assert made.reasons.count("VersionReused") == 1


def test_another_model_rollout_for_the_same_server_touches_nothing() -> None:
    made = release(cluster())
    seen = replace(made.observe(), rival="older")
    decision = decide(made.spec, parse_status({}), seen)
    assert (decision.plan, decision.routes, decision.report.phase) == (None, None, "Blocked")
    assert "older" in decision.report.message
