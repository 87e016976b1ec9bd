"""What a try keeps of each replica's warm-up."""

import json
from dataclasses import replace

from rollout_operator.decide.remember.proofs import MAX_REPLICAS, note_proofs
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.agent import AgentState, GoldenCount, VersionReport, VersionState, WarmupReport
from rollout_operator.documents.codec import dump, read
from rollout_operator.documents.observation import Observation, Replica
from rollout_operator.documents.release import Release
from rollout_operator.documents.status import Attempt, Outcome, Status, WarmReplica

from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.specs import digest, spec, uri

WANTED = Release(2, digest(2), uri(2))


def replica(name: str, p50: float = 5, state: VersionState = VersionState.WARM) -> Replica:
    said = WarmupReport(p50, 7, 10, True, GoldenCount(32, 32))
    report = VersionReport(2, digest(2), state, warmup=said)
    return Replica(name, False, None, "", "", name, AgentState(name, versions=(report,)))


def noted(status: Status, *replicas: Replica) -> Status:
    seen = Observation(1000.0, replicas, (), None, None, len(replicas), False, "", {})
    return note_proofs(Situation(spec(2), status, seen)).status


def test_a_warm_replica_is_written_down_once() -> None:
    before = Status(canary=WANTED, attempt=Attempt(WANTED, 900))
    loading = noted(before, replica("triton-0", state=VersionState.WARMING))
    assert loading == before
    status = noted(before, replica("triton-0"))
    assert status.attempt and status.attempt.replicas == (WarmReplica("triton-0", 5, 7, 10, True, "32/32"),)
    assert noted(status, replica("triton-0")) is status
    assert noted(status, replace(replica("triton-0"), state=None)) is status, "it stays when the agent is away"
    again = noted(status, replica("triton-0", p50=6)).attempt
    assert again and [one.p50_ms for one in again.replicas] == [6]


def test_the_records_are_bounded_and_survive_json() -> None:
    before = Status(canary=WANTED, attempt=Attempt(WANTED, 900))
    attempt = noted(before, *(replica(f"triton-{number}") for number in range(60))).attempt
    assert attempt and len(attempt.replicas) == MAX_REPLICAS
    names = "name p50Ms p95Ms iterations settled golden acceptance"
    assert dump(attempt)["replicas"][0].keys() == set(names.split())
    assert read(Attempt, json.dumps(dump(attempt))) == attempt


def test_a_promoted_and_a_failed_try_keep_them_in_history() -> None:
    good = release(cluster()).run(40)
    failed = release(cluster(Behaviour(error_share=0.4))).run(40)
    for made in (good, failed):
        assert [one["name"] for one in made.status["history"][-1]["replicas"]] == ["triton-0", "triton-1"]


def test_a_replica_that_joins_after_the_end_is_written_down_and_changes_nothing_else() -> None:
    """All load at once on a first install, and the first that proves it ends the try."""
    done = Attempt(WANTED, 900, outcome=Outcome.PROMOTED, replicas=(WarmReplica("triton-0", 5, 7, 10, True, "32/32"),))
    before = Status(stable=WANTED, history=(done,))
    status = noted(before, replica("triton-0", p50=6), replica("triton-1"))
    assert [(one.name, one.p50_ms) for one in status.history[-1].replicas] == [("triton-0", 5), ("triton-1", 5)]
    assert noted(status, replica("triton-1", p50=8)) is status
    assert noted(replace(before, stable=Release(1, digest(1), uri(1))), replica("triton-1")).history == (done,)
