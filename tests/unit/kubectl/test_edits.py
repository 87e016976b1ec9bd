"""The lines that approve and abort, and what they do to a release."""

from dataclasses import replace

import pytest
import yaml
from kubectl_modelrollout.edits import Edit, abort, approve
from kubectl_modelrollout.errors import Problem
from rollout_operator.documents.spec import parse_spec

from tests.unit.kubectl.rollouts import at_the_gate, body, healthy, mid_canary, rollout, slow
from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import approval

NOW = 1_000_000


def apply(made: Cluster, edit: Edit) -> None:
    seen = body(made)
    seen["spec"] |= edit.change
    made.spec = replace(parse_spec(seen), generation=made.spec.generation + 1)


@pytest.mark.parametrize("by", ["Dr. Roentgen", 'Müller: "yes" # no'])
def test_an_approval_opens_the_gate(by: str) -> None:
    made = at_the_gate()
    edit = approve(rollout(made), "clinical-signoff", by, NOW)
    assert yaml.safe_load(edit.lines)["spec"] == edit.change
    apply(made, edit)
    made.run_until("Healthy")
    assert made.status["history"][-1]["steps"][1]["approvedBy"] == by


def test_approvals_of_others_are_kept() -> None:
    made = at_the_gate()
    made.edit(approvals=(approval(1),))
    edit = approve(rollout(made), "clinical-signoff", "Dr. Roentgen", NOW)
    assert [one["version"] for one in edit.change["approvals"]] == [1, 2]


def test_what_cannot_be_approved_is_refused() -> None:
    with pytest.raises(Problem, match="has no gate signoff; its gates: clinical-signoff"):
        approve(rollout(at_the_gate()), "signoff", "Dr. Roentgen", NOW)
    with pytest.raises(Problem, match="is approved already"):
        approve(rollout(healthy()), "clinical-signoff", "Dr. Curie", NOW)
    for nobody in ("", "  "):
        with pytest.raises(Problem, match="write who approves"):
            approve(rollout(at_the_gate()), "clinical-signoff", nobody, NOW)


def test_the_lines_say_why_and_are_yaml() -> None:
    found = approve(rollout(at_the_gate()), "clinical-signoff", "Dr. Roentgen", NOW).lines.splitlines()
    assert found[:5] == [
        "# resnet-medical: opens gate clinical-signoff for v2 and these bytes, and for no other release.",
        "# v2 waits there now, at step 2/7.",
        "# Seen: golden outputs matched on 2 of 2 replicas.",
        "# Seen: shadow 50 %: 120 compared, 100.0 % agree.",
        "# In git, add this entry to spec.approvals.",
    ]
    early = approve(rollout(release(cluster(), approvals=()).run(2)), "clinical-signoff", "Dr. Roentgen", NOW).lines
    assert "# v2 is not there now: it is step 2/7." in early
    assert abort(rollout(mid_canary())).lines.startswith(
        "# resnet-medical: v2 loses its traffic at once and is dropped; v1 serves on."
    )


def test_an_abort_goes_back_to_stable() -> None:
    made = at_the_gate()
    edit = abort(rollout(made))
    assert yaml.safe_load(edit.lines)["spec"] == edit.change
    apply(made, edit)
    made.run_until("Healthy")
    assert made.status["stable"]["version"] == 1
    assert made.status["history"][-1]["outcome"] == "Aborted"


def test_a_failed_release_can_be_taken_out_of_the_spec() -> None:
    assert abort(rollout(slow())).change["version"] == 1


def test_what_cannot_be_aborted_is_refused() -> None:
    with pytest.raises(Problem, match="nothing to abort; to go back to v1, which is still warm"):
        abort(rollout(healthy()))
    first = cluster()
    first.status = {}
    with pytest.raises(Problem, match="none to go back to"):
        abort(rollout(first))
