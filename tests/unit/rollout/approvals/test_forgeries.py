"""With approvers configured a gate opens only for one who may open it; each forgery is refused by name."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from rollout_operator.approvals.sshsig import sign
from rollout_operator.documents.spec import Approval, Spec
from rollout_operator.documents.status import parse_status

from tests.unit.rollout.approvals.signers import APPROVERS, GATE, JANE, MALLORY, PLACE, TOM
from tests.unit.rollout.healthy_cluster import cluster, condition, release
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest

Forge = Callable[[Spec, float], Approval]


def at_the_gate() -> Cluster:
    """Version 2 waits for a signature."""
    made = cluster()
    made.approvers = APPROVERS
    return release(made, approvals=(), namespace="clinic").run_until("Paused")


def began(made: Cluster) -> int:
    attempt = parse_status(made.status).attempt
    assert attempt
    return attempt.started_at


def test_a_valid_signature_opens_the_gate() -> None:
    made = at_the_gate()
    assert condition(made, "Ready") == ("Unknown", "AwaitingApproval")
    assert (
        f"gate {GATE} waits for a signed approval (kubectl modelrollout approve --sign KEY) by one of: jane"
        in made.status["message"]
    )
    made.edit(approvals=(JANE.approves(made.spec, made.now),))
    made.run_until("Healthy")
    [gate] = [one for one in made.status["history"][-1]["steps"] if one["approvedBy"]]
    assert (gate["approvedBy"], gate["approvedKey"]) == ("jane", APPROVERS.everybody[0].keys[0].fingerprint)


def test_a_valid_signature_among_forgeries_opens_it() -> None:
    made = at_the_gate()
    bad = MALLORY.approves(made.spec, made.now, by="jane")
    made.edit(approvals=(bad, JANE.approves(made.spec, made.now), bad))
    made.run_until("Healthy")


def unsigned(spec: Spec, now: float) -> Approval:
    return Approval(GATE, 2, digest(2), "Prof. Nobody")


def moved(**changes: Any) -> Forge:
    """Jane's signature is good, for a rollout or a model that differs in this."""
    return lambda spec, now: JANE.approves(replace(spec, **changes), now)


def edited(**was: Any) -> Forge:
    """Jane's signature is good, for a line that differed in this."""

    def forge(spec: Spec, now: float) -> Approval:
        good = JANE.approves(spec, now)
        signed = replace(good, **was)
        return replace(good, signature=sign(JANE.key, spec.statement_of(signed).content))

    return forge


FORGERIES = [
    pytest.param(unsigned, "'Prof. Nobody') does not open it: it has no signature and time", id="1-unsigned"),
    pytest.param(edited(version=1), "is not valid for clinic/medinfer, resnet_medical v2", id="2-other-version"),
    pytest.param(edited(digest=digest(1)), "it was made for other bytes", id="3-other-digest"),
    pytest.param(edited(gate="ethics"), "it was made for other bytes", id="4-other-gate"),
    pytest.param(moved(model="chest"), "it was made for other bytes", id="5-other-model"),
    pytest.param(moved(name="other"), "it was made for other bytes", id="6-other-rollout"),
    pytest.param(moved(namespace="test"), "it was made for other bytes", id="7-other-namespace"),
    pytest.param(
        lambda spec, now: JANE.approves(spec, now - 3600), "before this try began at 1970-", id="8-of-an-earlier-try"
    ),
    pytest.param(lambda spec, now: JANE.approves(spec, now + 3600), "which is in the future", id="9-of-the-future"),
    pytest.param(
        lambda spec, now: replace(JANE.approves(spec, now - 3600), time=JANE.approves(spec, now).time),
        "it was made for other bytes",
        id="10-time-edited",
    ),
    pytest.param(
        lambda spec, now: MALLORY.approves(spec, now, by="jane"), f"is none of {PLACE}", id="11-key-of-the-releaser"
    ),
    pytest.param(
        lambda spec, now: TOM.approves(spec, now), "tom may not open this gate, only ethics", id="12-of-another-gate"
    ),
    pytest.param(
        lambda spec, now: JANE.approves(spec, now, by="Prof. Nobody"), "write by: jane", id="13-under-another-name"
    ),
    pytest.param(
        lambda spec, now: replace(JANE.approves(spec, now), signature="LGTM"),
        "not the whole text",
        id="14-no-signature",
    ),
]


@pytest.mark.parametrize(("forge", "why"), FORGERIES)
def test_a_forgery_does_not_open_the_gate(forge: Forge, why: str) -> None:
    made = at_the_gate()
    made.edit(approvals=(forge(made.spec, made.now),))
    made.run(10)
    assert (made.phase, made.routes and made.routes.canary_weight) == ("Paused", 0)
    assert condition(made, "Ready") == ("Unknown", "AwaitingApproval")
    message = made.status["message"]
    assert "spec.approvals[0] (by " in message and why in message
    assert " --sign KEY" in message or "write by: jane" in message or "may not open" in message, "it says what to do"
    made.edit(approvals=(*made.spec.approvals, JANE.approves(made.spec, made.now)))
    made.run_until("Healthy")


def test_a_retired_key_opens_no_gate() -> None:
    made = at_the_gate()
    line = JANE.approves(made.spec, made.now)
    made.approvers = replace(APPROVERS, everybody=APPROVERS.everybody[1:])
    made.edit(approvals=(line,))
    made.run(5)
    assert made.phase == "Paused" and f"{PLACE} lets nobody open {GATE}" in made.status["message"]


def test_a_list_that_cannot_be_used_opens_no_gate() -> None:
    made = at_the_gate()
    made.approvers = replace(APPROVERS, problem=f"{PLACE}: approvers[0] (jane): keys[0] has no base64")
    made.edit(approvals=(JANE.approves(made.spec, made.now),))
    made.run(5)
    assert (
        made.phase == "Paused"
        and "which cannot be used: ConfigMap trust/approvers: approvers[0] (jane)" in (made.status["message"])
    )
    made.approvers = APPROVERS
    made.run_until("Healthy")
