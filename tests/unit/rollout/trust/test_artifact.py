"""The condition ArtifactVerified, and what a try keeps of who signed its bytes."""

from dataclasses import replace

import pytest
from rollout_operator.decide.artifact import verified_artifact
from rollout_operator.decide.conditions import Summary, derive_conditions
from rollout_operator.decide.remember.proofs import note_proofs
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.agent import AgentState, SignatureReport, VersionReport, VersionState
from rollout_operator.documents.observation import Observation, Replica
from rollout_operator.documents.release import Release
from rollout_operator.documents.status import Attempt, Failure, Outcome, Phase, Status

from tests.unit.rollout.specs import digest, spec, uri

STABLE, WANTED = Release(1, digest(1), uri(1)), Release(2, digest(2), uri(2))
SIGNED, UNSIGNED = SignatureReport(True, "models team", "ab" * 32), SignatureReport(message="nobody signed it")
DURING = Status(stable=STABLE, canary=WANTED, attempt=Attempt(WANTED, 900))
REFUSED = Failure(WANTED, Outcome.BLOCKED, "SignatureRefused", "nobody signed it", "triton-0", 1, 900)


def replica(name: str, *versions: tuple[int, SignatureReport | None]) -> Replica:
    reports = tuple(VersionReport(one, digest(one), VersionState.WARM, signature=said) for one, said in versions)
    return Replica(name, state=AgentState(name, versions=reports))


def situation(status: Status, *replicas: Replica) -> Situation:
    return Situation(spec(2), status, Observation(1000.0, replicas))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        pytest.param(
            situation(DURING, replica("a", (2, SIGNED)), replica("b", (2, SIGNED))),
            ("True", "Signed", "v2 is signed by models team, key abababababababab"),
            id="signed",
        ),
        pytest.param(
            situation(DURING, replica("a", (2, SIGNED)), replica("b", (2, UNSIGNED))),
            ("False", "Unsigned", "v2 on b: nobody signed it"),
            id="one-replica-finds-none",
        ),
        pytest.param(
            situation(DURING, replica("a", (1, UNSIGNED), (2, SIGNED))),
            ("True", "Signed", "v2 is signed by models team, key abababababababab"),
            id="the-canary-counts",
        ),
        pytest.param(
            situation(Status(stable=STABLE), replica("a", (1, UNSIGNED))),
            ("False", "Unsigned", "v1 on a: nobody signed it"),
            id="then-stable",
        ),
        pytest.param(
            situation(replace(DURING, canary=None, last_failure=REFUSED), replica("a", (1, SIGNED))),
            ("False", "SignatureRefused", "v2: nobody signed it"),
            id="refused",
        ),
        pytest.param(
            situation(DURING, replica("a", (2, None))),
            ("Unknown", "VerificationOff", "agents do not check who signed bundles"),
            id="off",
        ),
        pytest.param(situation(DURING, replica("a")), None, id="not-told-yet"),
        pytest.param(situation(Status(), replica("a", (2, SIGNED))), None, id="no-version"),
    ],
)
def test_the_condition(seen: Situation, expected: tuple[str, str, str] | None) -> None:
    found = verified_artifact(seen)
    assert (found and (found.status, found.reason, found.message)) == expected


def test_it_stays_while_no_agent_tells() -> None:
    signed = verified_artifact(situation(DURING, replica("a", (2, SIGNED))))
    summary = Summary(Phase.WARMING, "Why", "because", True, 3, 7, signed)
    before = derive_conditions(summary, ())
    after = derive_conditions(replace(summary, artifact=None, now=9), before)
    assert before[-1].type == "ArtifactVerified" and after[-1] == before[-1]
    assert {one.type for one in derive_conditions(replace(summary, artifact=None), ())} == {
        "Available",
        "Ready",
        "Reconciling",
    }


@pytest.mark.parametrize(
    ("replicas", "expected"),
    [
        pytest.param((replica("a", (2, SIGNED)),), ("models team", "ab" * 32), id="signed"),
        pytest.param((replica("a", (2, SIGNED)), replica("b", (2, UNSIGNED))), ("", "unverified"), id="not-everywhere"),
        pytest.param((replica("a", (2, None)),), ("", "unverified"), id="off"),
        pytest.param((replica("a"),), ("before", "cd"), id="not-told"),
    ],
)
def test_a_try_keeps_who_signed(replicas: tuple[Replica, ...], expected: tuple[str, str]) -> None:
    before = replace(DURING, attempt=Attempt(WANTED, 900, signed_by="before", signed_key="cd"))
    attempt = note_proofs(situation(before, *replicas)).status.attempt
    assert attempt and (attempt.signed_by, attempt.signed_key) == expected
