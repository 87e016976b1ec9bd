"""What people get to see of a transition, and that no rollout waits for it."""

import logging
from dataclasses import replace
from datetime import datetime

import pytest
from rollout_operator.decide.situation import Event
from rollout_operator.documents.spec import InvalidSpec, Notify, Spec
from rollout_operator.edge.errors import Unavailable
from rollout_operator.edge.events import EventRecorder, build_notice
from rollout_operator.edge.observe import Observed
from rollout_operator.edge.rest import Answers
from rollout_operator.edge.rollout_objects import read_objects

from ci.stack.waiting import until
from tests.unit.rollout import healthy_cluster
from tests.unit.rollout.edge.api_server import NAMESPACE, ROLLOUT, FakeApiServer, nothing_shown
from tests.unit.rollout.edge.fake_cluster import FakeNotifier

MADE = healthy_cluster.cluster()
assert MADE.decision
EVENTS = (Event("Promoted", "v2 serves"), Event("RolledBack", "v2 failed", warning=True))
DECISION = replace(MADE.decision, events=EVENTS)


def observed(server: FakeApiServer, spec: Spec | InvalidSpec) -> Observed:
    objects, answers = read_objects(server, ROLLOUT, nothing_shown), Answers((), ())
    return Observed(objects, spec, DECISION.status, MADE.observe(), answers)


def test_a_notice_says_what_happened_and_where_the_rollout_stands() -> None:
    rollout = FakeApiServer().set_up().rollout()
    notice = build_notice(rollout, EVENTS[1], DECISION)
    assert datetime.fromisoformat(notice.pop("time")).tzinfo
    assert notice == {
        "schemaVersion": 1,
        "namespace": NAMESPACE,
        "name": ROLLOUT,
        "reason": "RolledBack",
        "message": "v2 failed",
        "warning": True,
        "phase": "Healthy",
        "stable": DECISION.status_document["stable"],
        "canary": None,
        "previous": None,
        "step": "",
        "replicas": {"desired": 2, "loaded": 2, "warm": 2, "failed": 0},
    }


@pytest.mark.parametrize(
    ("spec", "url"),
    [
        pytest.param(replace(MADE.spec, notify=Notify("http://hook")), "http://hook", id="with-a-webhook"),
        pytest.param(MADE.spec, "", id="without"),
        pytest.param(InvalidSpec(("no",), 1), "", id="a-spec-that-names-none"),
    ],
)
async def test_each_transition_is_reported_once(spec: Spec | InvalidSpec, url: str) -> None:
    server, notifier = FakeApiServer().set_up(), FakeNotifier()
    EventRecorder(server, notifier, "operator-0").record(DECISION, observed(server, spec))
    await until(lambda: len(server.events) == 2, "both Events")
    assert sorted(event["reason"] for event in server.events) == ["Promoted", "RolledBack"]
    assert len({event["metadata"]["name"] for event in server.events}) == 2
    assert [(to, notice["reason"]) for to, notice in notifier.notices] == [(url, "Promoted"), (url, "RolledBack")]


async def test_an_event_that_cannot_be_written_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    server = FakeApiServer().set_up()
    seen = observed(server, MADE.spec)

    def away(verb: str, kind: str, name: str) -> None:
        raise Unavailable("refused")

    server.before = away
    with caplog.at_level(logging.WARNING):
        EventRecorder(server, FakeNotifier(), "operator-0").record(DECISION, seen)
        await until(lambda: len(caplog.records) == 2, "both are logged")
    assert {vars(record)["reason"] for record in caplog.records} == {"Promoted", "RolledBack"}
