"""What is kept of a release for its report, and that an object which keeps the most can still be stored."""

import json
from dataclasses import replace

import pytest
from rollout_operator.decide.evidence import MAX_DETAILED, MAX_HISTORY, MAX_STEPS, stages, with_history
from rollout_operator.decide.remember.bindings import MAX_BOUND_VERSIONS
from rollout_operator.decide.remember.proofs import MAX_LABEL, MAX_REPLICAS
from rollout_operator.decide.report import MAX_REPLICA_STATES, ReplicaState
from rollout_operator.documents.assessment import Assessment, Measurement, Verdict
from rollout_operator.documents.codec import Json, dump
from rollout_operator.documents.counters import MATRIX_LABELS, Shadow, StepCounters, VersionCounters
from rollout_operator.documents.release import Release
from rollout_operator.documents.spec import AnalysisSpec
from rollout_operator.documents.status import (
    Analysis,
    Attempt,
    Condition,
    DigestPin,
    Failure,
    Outcome,
    Quarantine,
    Status,
    StepEvidence,
    WarmReplica,
    parse_status,
)
from rollout_operator.documents.step_kinds import GateStep, ShadowStep, Step

from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_agent import LABELS, Behaviour
from tests.unit.rollout.specs import digest, spec

MAX_OBJECT_BYTES = 850_000  # etcd takes 1.5 MB, and 100 signed approvals are 0.5 MB
MANY = 2**53 - 1


def test_counts_are_kept_once_for_each_change_of_traffic() -> None:
    made = release(cluster()).run_until("Healthy")
    attempt = parse_status(made.status).history[-1]
    assert [[one.name for one in steps] for steps in stages(attempt.steps)] == [
        ["shadow 50 %", "gate clinical-signoff"],
        ["setWeight 5", "pause 5 s"],
        ["setWeight 50", "pause 5 s"],
    ]
    last = [steps[-1] for steps in stages(attempt.steps)]
    assert attempt.requests == sum(one.canary_requests for one in last) > 0
    assert [one.canary_p95_seconds is not None for one in last] == [False, True, True], "a copy has no latency"
    assert all(one.stable_p95_seconds for one in last)


def test_a_gate_before_any_traffic_counts_nothing() -> None:
    made = release(cluster())
    shadow, gate, *rest = made.spec.steps
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, steps=(gate, shadow, *rest)))
    first, *_ = parse_status(made.run_until("Healthy").status).history[-1].steps
    assert (first.step, first.traffic, first.stable_requests, first.stable_p95_seconds) == (gate, None, 0, None)


def test_a_copy_that_ends_late_is_no_comparison_of_the_next_step() -> None:
    made = release(cluster()).run_until("Progressing")
    for api in made.apis.values():
        api.shadow = [1, 1, 0]
    attempt = parse_status(made.run_until("Healthy").status).history[-1]
    assert [one.shadow is not None for one in attempt.steps] == [True, True, False, False, False, False]


@pytest.mark.parametrize(
    ("bad", "location"),
    [
        pytest.param(Behaviour(wrong_share=0.3), "step 1/7", id="in-shadow"),
        pytest.param(Behaviour(slow=True), "step 4/7", id="with-weight"),
        pytest.param(Behaviour(fails="GoldenMismatch"), "triton-0", id="on-a-replica"),
    ],
)
def test_a_failed_try_says_why_and_by_what_it_was_judged(bad: Behaviour, location: str) -> None:
    made = release(cluster(bad)).run_until("RolledBack")
    status = parse_status(made.status)
    attempt, failure = status.history[-1], status.last_failure
    assert failure
    assert (attempt.outcome, attempt.message, attempt.location) == (Outcome.ROLLED_BACK, failure.message, location)
    assert (attempt.limits, attempt.labels, attempt.stable) == (made.spec.analysis, LABELS, status.stable)


def test_an_abort_is_no_failure() -> None:
    made = release(cluster(Behaviour(slow=True))).run_until("RolledBack")
    release(made, 3).run_until("Progressing")
    release(made, 1).run_until("Healthy")
    attempt = parse_status(made.status).history[-1]
    assert (attempt.release.version, attempt.outcome, attempt.message) == (3, Outcome.ABORTED, "")


def test_the_keep_window_is_kept_of_a_version_that_goes_back() -> None:
    made = release(cluster()).run_until("Promoting")
    made.behaviours[digest(2)] = Behaviour(error_share=0.5)
    made.run_until("RolledBack")
    attempt = parse_status(made.status).history[-1]
    assert [(one.name, one.step, one.traffic) for one in attempt.steps] == [("keep window", None, None)]
    assert 0 < attempt.errors < attempt.requests


def test_old_tries_keep_their_summary() -> None:
    attempt = parse_status(release(cluster()).run_until("Healthy").status).history[-1]
    history: tuple[Attempt, ...] = ()
    for _ in range(MAX_DETAILED + 1):
        history = with_history(Status(history=history), attempt, spec(2, revision_history_limit=MAX_HISTORY))
    assert (history[0].steps, history[0].replicas, history[0].requests) == ((), (), attempt.requests)
    assert history[1] == attempt


def test_evidence_is_the_step_itself() -> None:
    made = release(cluster()).run_until("Healthy")
    stored = made.status["history"][-1]["steps"]
    assert [one["step"] for one in stored] == [dump(step) for step in made.spec.steps[:-1]]
    assert [one["traffic"] for one in stored[:4]] == [stored[0]["step"]] * 2 + [stored[2]["step"]] * 2


@pytest.mark.parametrize("place", ["attempt", "history"])
def test_evidence_of_an_older_operator_is_left_out_and_the_rest_is_kept(place: str) -> None:
    """It was text for people. Without it the status still knows which bytes are quarantined."""
    made = release(cluster(Behaviour(slow=True))).run_until("RolledBack")
    if place == "attempt":
        made = release(made, 3).run_until("Progressing")
    status = json.loads(json.dumps(made.status))
    attempt = status["attempt"] if place == "attempt" else status["history"][-1]
    assert attempt["steps"]
    attempt["steps"] = [{**one, "step": "setWeight 5", "traffic": "setWeight 5"} for one in attempt["steps"]]
    seen = parse_status(status)
    read = seen.attempt if place == "attempt" else seen.history[-1]
    assert read and read.steps == ()
    assert replace(seen, attempt=None, history=()) == replace(parse_status(made.status), attempt=None, history=())
    assert seen.quarantined
    made.status = status
    made.run_until("Healthy" if place == "attempt" else "RolledBack")


@pytest.mark.parametrize(
    "nonsense",
    [
        pytest.param({"history": "text"}, id="history-of-text"),
        pytest.param({"history": [1, None]}, id="tries-of-numbers"),
        pytest.param({"attempt": {"steps": "text"}}, id="steps-of-text"),
        pytest.param({"attempt": {"steps": [1, "setWeight 5", {"step": 5}]}}, id="numbers-as-steps"),
    ],
)
def test_nonsense_in_the_status_is_no_status(nonsense: Json) -> None:
    assert parse_status(nonsense) == Status()


def test_the_largest_object_can_be_stored() -> None:
    stored = json.dumps(largest_status(), separators=(",", ":"))
    assert len(stored) < MAX_OBJECT_BYTES
    assert parse_status(json.loads(stored)).knows_its_position


def largest_status() -> Json:
    """Twenty attempts of forty steps on fifty replicas, every field as long as it gets."""
    one = Release(MANY, digest(1), "s3://" + "u" * 2043)
    attempt = largest_try(one)
    history: tuple[Attempt, ...] = ()
    for _ in range(MAX_HISTORY):
        history = with_history(Status(history=history), attempt, spec(1, revision_history_limit=MAX_HISTORY))
    measurements = (Measurement("disagreementOfClass0", Verdict.FAILED, "m" * 200, 1 / 3, 1 / 3, MANY),) * 10
    version = VersionCounters(MANY, MANY, (MANY,) * 80)
    vanished = StepCounters({"1": version, "2": version}, attempt.steps[0].shadow or Shadow(), (1 / 3,) * 80)
    status = Status(
        stable=one,
        canary=one,
        previous=one,
        analysis=Analysis(1, 2, Assessment(Verdict.FAILED, measurements, MANY), 1 / 3, vanished),
        attempt=attempt,
        last_failure=Failure(one, Outcome.HELD, "AnalysisFailed", "m" * 1024, "l" * 253, 1, 2),
        quarantined=(Quarantine(MANY, digest(1), "AnalysisFailed", 1),) * 50,
        history=history,
        bound_versions=(DigestPin(MANY, digest(1)),) * MAX_BOUND_VERSIONS,
        conditions=(Condition("Reconciling", "True", "AwaitingAcknowledgement", "m" * 1024, 1, 2),) * 4,
    )
    replica = ReplicaState("p" * 63, MANY, "Unreachable", "LoadTimeout", "m" * 256, 1 / 3, 1 / 3, True, "64/64")
    return dump(status) | {"replicaStates": [dump(replica)] * MAX_REPLICA_STATES, "message": "m" * 1024}


def largest_try(one: Release) -> Attempt:
    matrix = ((MANY,) * MATRIX_LABELS,) * MATRIX_LABELS
    counts = (MANY, MANY, 1 / 3, MANY, MANY, 1 / 3)
    gate, shadow = Step(gate=GateStep("g" * 63)), Step(shadow=ShadowStep(100, MANY))
    compared = Shadow(MANY, MANY, MANY, matrix)
    step = StepEvidence(1, 2, gate, shadow, *counts, compared, approved_by="b" * 253, approved_key="k" * 50)
    replicas = [
        WarmReplica(f"{'p' * 60}{number:03}", 1000 / 3, 1000 / 3, MANY, False, "64/64")
        for number in range(MAX_REPLICAS)
    ]
    return Attempt(
        one,
        1,
        one,
        2,
        Outcome.ROLLED_BACK,
        "ProgressDeadlineExceeded",
        "m" * 1024,
        "l" * 253,
        MANY,
        MANY,
        (step,) * MAX_STEPS,
        tuple(replicas),
        ("x" * MAX_LABEL,) * MATRIX_LABELS,
        AnalysisSpec(max_error_rate=1 / 3),
        1 / 3,
    )
