"""The trace of each try: which spans it has, that each is made the same again, and when it ends."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest
from rollout_operator.decide.release_spans import release_spans
from rollout_operator.documents.release_span import ReleaseSpan
from rollout_operator.documents.spec import OnFailure
from rollout_operator.documents.status import Status, parse_status

from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster

STEPS = ["shadow", "gate", "setWeight", "pause", "setWeight", "pause"]


def traced(bad: Behaviour | None = None) -> Cluster:
    return cluster(bad, is_traced=True)


def spans_of(made: Cluster, version: int) -> list[ReleaseSpan]:
    """The newest try's of the version, each once, in the order in which they were sent first."""
    mine = [span for span in made.spans if span.attributes["medinfer.version"] == version]
    last = mine[-1].trace_id
    return list({span.id: span for span in mine if span.trace_id == last}.values())


def status_of(made: Cluster) -> Status:
    return parse_status(made.status)


def at(made: Cluster) -> tuple[bool, int]:
    """Of the last try: its trace has ended; so many of its spans are known to be sent."""
    trace = status_of(made).history[-1].trace
    assert trace
    return trace.ended_at is not None, trace.sent


def test_a_good_release() -> None:
    made = release(traced()).run_until("Healthy").run(3)
    spans = spans_of(made, 2)
    assert [span.name for span in spans] == ["prepare", *STEPS, "promote", "release"]
    root = spans[-1]
    assert (root.parent_id, {span.parent_id for span in spans[:-1]}) == (0, {root.id})
    assert (root.attributes["medinfer.outcome"], root.attributes["medinfer.stable_version"]) == ("Promoted", 1)
    for before, after in pairwise(spans[:-1]):
        assert root.started_at <= before.started_at <= before.ended_at == after.started_at <= root.ended_at
    assert [span.error for span in spans] == [""] * len(spans)
    assert at(made) == (True, len(spans)) and len(made.spans) == len({span.id for span in made.spans})


@pytest.mark.parametrize(
    ("since_edit", "seconds"),
    [
        pytest.param(90, 90, id="while the operator was away"),
        pytest.param(0, None, id="in the same second"),
        pytest.param(-30, None, id="by a clock that is ahead"),
        pytest.param(1e6, None, id="before the last try began: another try of the same edit"),
    ],
)
def test_it_begins_with_the_edit(since_edit: float, seconds: int | None) -> None:
    made = release(traced().run(200))
    made.edited_at = int(made.now + 1 - since_edit)
    made.run_until("Healthy").run(3)
    first, second, *_, root = spans_of(made, 2)
    names = [first.name, second.name]
    if seconds is None:
        assert "notice" not in names and root.started_at == first.started_at
    else:
        assert names == ["notice", "prepare"]
        assert root.started_at == first.started_at == made.edited_at == second.started_at - seconds


def test_the_numbers_of_a_step() -> None:
    made = release(traced()).run_until("Healthy").run(3)
    shadow, gate, weight, pause, *_ = (span.attributes for span in spans_of(made, 2)[1:])
    assert shadow["medinfer.shadow.samples"] == shadow["medinfer.shadow.agreed"] != 0
    assert (shadow["medinfer.step"], shadow["medinfer.shadow_percent"]) == ("shadow 50 %", 50)
    assert shadow["medinfer.verdict"] == pause["medinfer.verdict"] == "Passed"
    assert (gate["medinfer.step"], gate["medinfer.approved"]) == ("gate clinical-signoff", True)
    assert (weight["medinfer.weight_percent"], weight["medinfer.canary.errors"]) == (5, 0)
    assert weight["medinfer.canary.requests"] != 0 and weight["medinfer.canary.p95_ms"] != 0


@pytest.mark.parametrize(
    ("bad", "on_failure", "names", "outcome", "reason"),
    [
        pytest.param(
            Behaviour(wrong_share=0.3),
            OnFailure.ROLLBACK,
            ["prepare", "shadow", "take back", "release"],
            "RolledBack",
            "AnalysisFailed",
            id="in shadow",
        ),
        pytest.param(
            Behaviour(slow=True),
            OnFailure.HOLD,
            ["prepare", *STEPS[:4], "take back", "release"],
            "Held",
            "AnalysisFailed",
            id="held",
        ),
        pytest.param(
            Behaviour(fails="GoldenMismatch"),
            OnFailure.ROLLBACK,
            ["prepare", "release"],
            "RolledBack",
            "GoldenMismatch",
            id="on a replica",
        ),
        pytest.param(
            Behaviour(fails="DigestMismatch"),
            OnFailure.ROLLBACK,
            ["prepare", "release"],
            "Blocked",
            "DigestMismatch",
            id="never loaded",
        ),
    ],
)
def test_a_bad_release(bad: Behaviour, on_failure: OnFailure, names: list[str], outcome: str, reason: str) -> None:
    made = release(traced(bad))
    made.spec = replace(made.spec, strategy=replace(made.spec.strategy, on_failure=on_failure))
    made.run(120)
    spans = spans_of(made, 2)
    assert [span.name for span in spans] == names
    root = spans[-1]
    assert (root.attributes["medinfer.outcome"], root.attributes["medinfer.reason"], root.error) == (
        outcome,
        reason,
        reason,
    )
    failed = [span for span in spans if span.attributes.get("medinfer.verdict") == "Failed"]
    assert [span.error for span in failed] == ["AnalysisFailed"] * (reason == "AnalysisFailed")


def test_a_span_is_made_the_same_each_time() -> None:
    """An operator that was restarted sends what was sent before; the collector then shows it once."""
    made = traced()
    made.is_heard = False
    made = release(made).run_until("Healthy").run(3)
    made = release(made, 3).run_until("Healthy").run(3)
    by_id: dict[tuple[str, int], list[ReleaseSpan]] = defaultdict(list)
    for span in made.spans:
        by_id[span.trace_id, span.id].append(span)
    assert all(one == same[0] for same in by_id.values() for one in same)
    assert max(map(len, by_id.values())) > 10, "an open trace is sent at each tick here"
    assert len({trace for trace, _ in by_id}) == 3


def test_a_trace_waits_for_the_collector() -> None:
    made = traced().run(3)
    made.collector_up = False
    release(made).run_until("Healthy").run(60)
    assert at(made) == (True, 0)
    made.collector_up = True
    made.run(2)
    assert at(made) == (True, 9)
    assert [span.name for span in spans_of(made, 2)] == ["prepare", *STEPS, "promote", "release"]


def test_nothing_is_written_at_rest() -> None:
    made = release(traced()).run_until("Healthy").run(3)
    before = (made.status["history"], made.plan_text, len(made.spans))
    made.run(5)
    assert (made.status["history"], made.plan_text, len(made.spans)) == before


def test_agents_are_told_of_the_trace_while_it_is_open() -> None:
    made = release(traced().run(3)).run_until("Progressing")
    trace, plan = status_of(made).attempt, made.plan
    assert trace and trace.trace and plan and plan.trace
    assert plan.trace.version == 2
    assert plan.trace.traceparent == f"00-{trace.trace.id}-{trace.trace.root_span_id}-01"
    made.run_until("Healthy").run(3)
    assert made.plan and made.plan.trace is None


def test_an_api_server_that_stores_no_trace_costs_no_plan() -> None:
    """The CRD may be older than the operator, as helm does not update it."""
    made = release(traced().run(3))
    plans = set()
    for _ in range(60):
        made.tick()
        (made.status.get("attempt") or {}).pop("trace", None)
        plans.add(made.plan.trace if made.plan else None)
    assert made.phase == "Healthy" and len(plans - {None}) == 1


def test_back_to_the_previous_version_at_once() -> None:
    made = release(traced()).run_until("Healthy").run(3)
    made.edit(version=1, artifact=traced().spec.artifact)
    made.run_until("Healthy").run(3)
    assert [span.name for span in spans_of(made, 1)] == ["prepare", "promote", "release"]
    assert at(made) == (True, 3)


def test_another_version_is_wanted_before_the_end() -> None:
    made = release(release(traced()).run_until("Progressing"), 3).run_until("Healthy").run(3)
    assert [span.name for span in spans_of(made, 2)][-2:] == ["take back", "release"]
    assert spans_of(made, 2)[-1].attributes["medinfer.outcome"] == "Aborted"
    assert spans_of(made, 3)[-1].attributes["medinfer.outcome"] == "Promoted"


def test_without_a_collector_there_is_no_trace() -> None:
    made = release(cluster()).run_until("Healthy")
    tries = [one for one in status_of(made).history if one.release.version == 2]
    assert [one.trace for one in tries] == [None]
    assert made.plan and made.plan.trace is None
    assert list(release_spans(status_of(made), "resnet", "resnet_medical")) == []
