"""The evidence for a release, as JSON and Markdown."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from kubectl_modelrollout.errors import Problem
from kubectl_modelrollout.markdown import render_report
from kubectl_modelrollout.release_evidence import find_attempt, release_evidence
from rollout_operator.decide.evidence import MAX_DETAILED, with_history

from tests.unit.kubectl.rollouts import at_the_gate, evidence, healthy, mid_canary, permuted, rollout, slow, wrong
from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_agent import LABELS, Behaviour
from tests.unit.rollout.simulated_cluster import Cluster
from tests.unit.rollout.specs import digest, spec


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        pytest.param(
            healthy,
            [
                "# resnet_medical v2: Promoted",
                f"| Version | v2, `{digest(2)}` |",
                f"| Compared with | v1, `{digest(1)}` |",
                "| Signed by | unverified: nobody who is trusted |",
                "| Took | 19s |",
                "- 396 requests went to v2; none failed",
                "- golden outputs matched on 2 of 2 replicas before the first request",
                "- 100.0 % of 180 compared answers name one class (shadow 50 %)",
                "- gate clinical-signoff was approved by Dr. Roentgen (unverified)",
                "| triton-1 | 32 of 32 | 5.0 ms | 7.0 ms | 10 | yes |",
                "| clinical-signoff | Dr. Roentgen | unverified | 1970-01-12T13:46:52Z |",
                "| setWeight 5 (1s)<br>pause 5 s (5s) | 1970-01-12T13:46:52Z | 6s "
                "| 36 | 0 | 19.5 ms | 684 | 0 | 19.5 ms |",
                "**setWeight 50 + pause 5 s**",
                "| p95 latency, canary / stable | 1.00 | at most 1.50 | 360 | passed |",
                "|  | Glioma | Meningioma | Pituitary | No Tumor | Agreement |",
                "| **Glioma** | **72** | 0 | 0 | 0 | 100.0 % |",
            ],
            id="promoted",
        ),
        pytest.param(
            permuted,
            [
                "# resnet_medical v2: RolledBack",
                "| Outcome | **RolledBack** (AnalysisFailed) |",
                "- no request went to v2",
                "- 60.0 % of 240 compared answers name one class (shadow 50 %)",
                "| disagreement on Meningioma | 38.89 % | at most 10.00 % | 72 | **failed** |",
                "| **Meningioma** | 28 | **44** | 0 | 0 | 61.1 % |",
                "Row: v1. Column: v2, asked with a copy of the same image.",
            ],
            id="permuted-labels",
        ),
        pytest.param(slow, ["| p95 latency, canary / stable | 4.00 | at most 1.50 | 42 | **failed** |"], id="slow"),
        pytest.param(
            wrong,
            ["**Why it failed:** GoldenMismatch at triton-0", "- v2 was warm on no replica", "No step has ended."],
            id="wrong-answers",
        ),
        pytest.param(
            at_the_gate,
            [
                "# resnet_medical v2: in progress",
                "The release is in progress: a step appears in these tables once it has ended.",
                "| Ended | in progress |",
            ],
            id="at-a-gate",
        ),
        pytest.param(
            cluster, ["| Compared with | nothing: the first version |", "No step has ended."], id="first-install"
        ),
    ],
)
def test_a_report_says_what_happened(made: Callable[[], Cluster], expected: list[str]) -> None:
    found = render_report(evidence(made()), []).splitlines()
    assert [line for line in expected if line not in found] == []


def test_the_reason_of_a_failure_names_the_classes() -> None:
    (line,) = (line for line in render_report(evidence(permuted()), []).splitlines() if line.startswith("**Why"))
    assert line.startswith("**Why it failed:** AnalysisFailed at step 1/7: disagreement 40.00% (96 of 240)")
    assert "disagreement on Pituitary 41.67% (20 of 48)" in line


def test_errors_of_a_canary_were_answered_by_stable() -> None:
    made = release(cluster(Behaviour(error_share=0.3)))
    strategy = replace(made.spec.strategy, steps=made.spec.steps[2:])
    made.spec = replace(made.spec, strategy=strategy)
    found = evidence(made.run_until("RolledBack"))
    failed = f"{found['requests']} requests went to v2; {found['errors']} failed there and were answered by v1"
    assert 0 < found["errors"] < found["requests"]
    assert f"- {failed}" in render_report(found, [])


def test_a_canary_that_was_suspended_says_how_often() -> None:
    made = release(cluster())
    for _ in range(2):
        while not made.apis["api-0"].suspended:
            made.tick()
            made.apis["api-0"].suspend()
        made.run(2)
    found = render_report(evidence(made.run_until("RolledBack")), [])
    expected = "a Triton died while it answered, or most of its answers failed"
    assert f"- API pods stopped asking v2 2 times: {expected}" in found


def test_the_document_holds_the_numbers_and_survives_json() -> None:
    made = healthy()
    found, last = evidence(made), made.status["history"][-1]
    assert json.loads(json.dumps(found)) == found
    assert (found["schemaVersion"], found["outcome"], found["labels"]) == (1, "Promoted", list(LABELS))
    assert (found["release"], found["stable"], found["limits"]) == (last["release"], last["stable"], last["limits"])
    assert [(one["weight"], one["shadowPercent"]) for one in found["stages"]] == [(0, 50), (5, 0), (50, 0)]
    assert [one["canary"]["requests"] for one in found["stages"]] == [0, 36, 360]
    assert found["stages"][0]["shadow"] == last["steps"][1]["shadow"], "the gate's, as it goes on counting"
    assert found["approvals"] == [
        {
            "gate": "clinical-signoff",
            "by": "Dr. Roentgen",
            "key": "unverified",
            "at": last["steps"][1]["endedAt"],
            "atSeconds": 7,
        }
    ]


def test_the_last_release_is_reported_or_the_one_asked_for() -> None:
    made = release(healthy(), 3).run_until("Healthy")
    assert [evidence(made, version)["release"]["version"] for version in (None, 1, 2)] == [3, 1, 2]
    with pytest.raises(Problem, match="no release of version 9; it remembers v1, v2, v3"):
        evidence(made, 9)
    made.status = {}
    with pytest.raises(Problem, match="has released nothing yet"):
        evidence(made)


def test_other_tries_of_the_same_bytes_are_listed() -> None:
    made = slow()
    made.behaviours[digest(2)] = Behaviour()
    made.edit(retry="the network was fixed")
    found = evidence(made.run_until("Healthy"))
    assert [one["outcome"] for one in found["otherAttempts"]] == ["RolledBack"]
    assert "## Other attempts of the same bytes" in render_report(found, [])


def test_of_long_ago_the_summary_is_left() -> None:
    seen = rollout(healthy())
    status, last = seen.status, seen.status.history[-1]
    for _ in range(MAX_DETAILED):
        status = replace(status, history=with_history(status, last, spec(2, revision_history_limit=20)))
    seen = replace(seen, status=status)
    for version, is_summary in ((1, True), (2, False)):
        found = release_evidence(seen, find_attempt(seen, version), last.started_at)
        said = "Steps and replicas of a release so long ago are not kept any more." in render_report(found, [])
        assert (found["isSummary"], said) == (is_summary, is_summary)


def test_plots_are_linked() -> None:
    assert "![Classes named by both versions](disagreement.png)" in render_report(
        evidence(mid_canary()), ["disagreement.png"]
    )


def test_of_findings_the_worst_pairs_are_shown() -> None:
    found = evidence(healthy())
    shadow = found["stages"][0]["shadow"]
    shadow |= {"matrix": [], "worst": [{"stable": "Nodule", "canary": "no Nodule", "count": 1234}]}
    text = render_report(found, [])
    for expected in (
        "- 100.0 % of 180 compared answers agree in all (shadow 50 %)",
        "## Where the versions disagreed most",
        "| v1 said | v2 said | Images |",
        "| Nodule | no Nodule | 1,234 |",
    ):
        assert expected in text
    assert "## Which class each version named" not in text
