"""Who signed a version, as the plug-in shows it."""

from dataclasses import replace

import pytest
from kubectl_modelrollout.colors import Colors
from kubectl_modelrollout.markdown import render_report
from kubectl_modelrollout.release_evidence import find_attempt, release_evidence
from kubectl_modelrollout.status_view import render_status
from rollout_operator.documents.status import Condition

from tests.unit.kubectl.rollouts import rollout
from tests.unit.rollout.healthy_cluster import cluster

KEY = "ab" * 32


@pytest.mark.parametrize(
    ("status", "reason", "message"),
    [
        pytest.param("True", "Signed", "v2 is signed by models team, key abababababababab", id="signed"),
        pytest.param("False", "Unsigned", "v2 on triton-0: nobody signed the bundle", id="unsigned"),
        pytest.param("Unknown", "VerificationOff", "agents do not check who signed bundles", id="off"),
    ],
)
def test_the_status_says_who_signed(status: str, reason: str, message: str) -> None:
    found = rollout(cluster())
    condition = Condition("ArtifactVerified", status, reason, message, 1, 0)
    shown = render_status(replace(found, status=replace(found.status, conditions=(condition,))), 10, Colors())
    assert f"SIGNATURE  {reason}: {message}" in shown


def test_the_report_says_who_signed() -> None:
    found = rollout(cluster())
    attempt = replace(find_attempt(found, None), signed_by="models team", signed_key=KEY)
    assert f"| Signed by | models team, key `{KEY}` |" in render_report(release_evidence(found, attempt, 10), ())
