"""What is written, in which order, and what stops it."""

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
from rollout_operator.decide.decision import Decision
from rollout_operator.documents.plan import parse_plan
from rollout_operator.documents.routes import parse_routes
from rollout_operator.edge.act import Actor
from rollout_operator.edge.errors import Conflict, NotLeader
from rollout_operator.edge.observe import Observed
from rollout_operator.edge.rest import Answers
from rollout_operator.edge.rollout_objects import Objects, read_objects

from ci.stack.cluster_objects import PLAN, ROUTES
from tests.unit.rollout import healthy_cluster
from tests.unit.rollout.edge.api_server import ROLLOUT, FakeApiServer, nothing_shown

MADE = healthy_cluster.cluster()
assert MADE.decision
DECISION = replace(MADE.decision, plan=MADE.plan, routes=MADE.routes)


@pytest.fixture
def server() -> FakeApiServer:
    return FakeApiServer().set_up()


def actor(server: FakeApiServer, check: Callable[[], None] = lambda: None) -> Actor:
    return Actor(server, check, "operator-0")


def observed(server: FakeApiServer) -> Observed:
    """Only the objects matter here."""
    objects = read_objects(server, ROLLOUT, nothing_shown)
    return Observed(objects, MADE.spec, DECISION.status, MADE.observe(), Answers((), ()))


@pytest.mark.parametrize(
    ("decision", "idle"),
    [
        pytest.param(replace(DECISION, plan=None, routes=None), True, id="the status is there"),
        pytest.param(replace(DECISION, routes=None), False, id="a plan"),
        pytest.param(replace(DECISION, plan=None), False, id="routes"),
        pytest.param(
            replace(DECISION, plan=None, routes=None, status=replace(DECISION.status, retry="again")),
            False,
            id="another status",
        ),
    ],
)
def test_a_decision_that_changes_nothing_is_idle(server: FakeApiServer, decision: Decision, idle: bool) -> None:
    server.rollout()["status"] = DECISION.status_document
    assert actor(server).is_idle(decision, observed(server)) is idle
    actor(server).act(decision, observed(server))
    assert (server.log == []) is idle


@pytest.mark.parametrize(
    ("decision", "written"),
    [
        pytest.param(DECISION, ["status", "plan", "routes"], id="forward: the status is never behind"),
        pytest.param(
            replace(DECISION, is_urgent=True), ["routes", "status", "plan"], id="back: traffic is taken away first"
        ),
        pytest.param(replace(DECISION, plan=None), ["status", "routes"], id="the plan stays"),
        pytest.param(replace(DECISION, routes=None), ["status", "plan"], id="the routes stay"),
        pytest.param(replace(DECISION, plan=None, routes=None), ["status"], id="both stay"),
    ],
)
def test_the_order_of_writes(server: FakeApiServer, decision: Decision, written: list[str]) -> None:
    actor(server).act(decision, observed(server))
    assert server.log == written


def test_what_is_written_can_be_read_back(server: FakeApiServer) -> None:
    actor(server).act(DECISION, observed(server))
    assert parse_plan(server.data(PLAN, "plan.json")) == DECISION.plan
    assert parse_routes(server.data(ROUTES, "routes.json")) == DECISION.routes
    assert server.rollout()["status"] == DECISION.status_document


def test_a_status_that_is_there_is_not_written_again(server: FakeApiServer) -> None:
    decision = replace(DECISION, plan=None, routes=None)
    for _ in range(3):
        actor(server).act(decision, observed(server))
    assert server.log == ["status"]


@pytest.mark.parametrize("urgent", [False, True])
@pytest.mark.parametrize("allowed", [0, 1, 2])
def test_a_lost_lease_stops_the_next_write(server: FakeApiServer, allowed: int, urgent: bool) -> None:
    asked: list[None] = []

    def check() -> None:
        asked.append(None)
        if len(asked) > allowed:
            raise NotLeader("lost")

    with pytest.raises(NotLeader):
        actor(server, check).act(replace(DECISION, is_urgent=urgent), observed(server))
    assert len(server.log) == allowed


@pytest.mark.parametrize(
    ("kind", "name", "written"),
    [("ModelRollout", ROLLOUT, []), ("ConfigMap", PLAN, ["status"]), ("ConfigMap", ROUTES, ["status", "plan"])],
)
def test_a_conflict_stops_what_comes_after(server: FakeApiServer, kind: str, name: str, written: list[str]) -> None:
    seen = observed(server)
    server.objects[kind, name]["metadata"]["resourceVersion"] = "999"
    with pytest.raises(Conflict):
        actor(server).act(DECISION, seen)
    assert server.log == written


def test_an_edit_while_traffic_is_taken_away_leaves_no_status_behind_the_routes(server: FakeApiServer) -> None:
    """As `helm upgrade` makes one when it replaces the replicas, too: the canary would begin its steps anew."""
    seen = observed(server)
    server.edit_rollout(version=3)
    actor(server).act(replace(DECISION, is_urgent=True), seen)
    assert server.log == ["routes", "status", "plan"]
    assert server.rollout()["status"] == DECISION.status_document
    assert server.rollout()["spec"]["version"] == 3


@pytest.mark.parametrize("part, value", [("status", {"phase": "Healthy"}), ("metadata", {"uid": "another"})])
def test_while_traffic_is_taken_away_another_status_or_object_is_a_conflict(
    server: FakeApiServer, part: str, value: dict[str, str]
) -> None:
    seen = observed(server)
    server.edit_rollout(version=3)
    rollout = server.rollout()
    rollout[part] = rollout.get(part, {}) | value
    with pytest.raises(Conflict):
        actor(server).act(replace(DECISION, is_urgent=True), seen)
    assert server.log == ["routes"]


def test_a_document_that_somebody_made_meanwhile_is_a_conflict(server: FakeApiServer) -> None:
    seen = observed(server)
    seen = replace(seen, objects=replace(seen.objects, plan_map=None))
    with pytest.raises(Conflict):
        actor(server).act(DECISION, seen)
    assert server.log == ["status"]


def claim(server: FakeApiServer, objects: Objects | None = None) -> None:
    actor(server).claim(objects or read_objects(server, ROLLOUT, nothing_shown))


def test_a_claim_rewrites_both_as_they_are(server: FakeApiServer) -> None:
    before = copy.deepcopy([server.objects["ConfigMap", name]["data"] for name in (PLAN, ROUTES)])
    late = observed(server)
    claim(server)
    assert server.log == ["plan", "routes"]
    assert [server.objects["ConfigMap", name]["data"] for name in (PLAN, ROUTES)] == before
    with pytest.raises(Conflict):
        Actor(server, lambda: None, "operator-1").act(replace(DECISION, is_urgent=True), late)
    assert server.log == ["plan", "routes"]


def test_a_claim_leaves_out_what_is_not_there(server: FakeApiServer) -> None:
    server.remove("ConfigMap", PLAN)
    claim(server)
    assert server.log == ["routes"]


def test_a_claim_meets_the_writes_of_another(server: FakeApiServer) -> None:
    objects = read_objects(server, ROLLOUT, nothing_shown)
    server.objects["ConfigMap", PLAN]["metadata"]["resourceVersion"] = "999"
    with pytest.raises(Conflict):
        claim(server, objects)
    assert server.log == []


def test_a_claim_needs_the_lease(server: FakeApiServer) -> None:
    def check() -> None:
        raise NotLeader("lost")

    with pytest.raises(NotLeader):
        actor(server, check).claim(read_objects(server, ROLLOUT, nothing_shown))
    assert server.log == []
