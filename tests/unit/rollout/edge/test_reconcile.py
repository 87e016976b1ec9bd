"""One reconcile after the other, with everything outside in memory."""

import logging

import pytest
from prometheus_client import generate_latest
from rollout_operator.edge.errors import ClusterError, Conflict, Missing, Unavailable
from rollout_operator.edge.pods import read_pod
from rollout_operator.reconcile import BUG_SECONDS, CONFLICT_SECONDS, STANDBY_SECONDS

from ci.stack.cluster_objects import API, PLAN, ROUTES
from ci.stack.waiting import until
from tests.unit.rollout.edge.api_server import ROLLOUT
from tests.unit.rollout.edge.fake_cluster import SETTINGS, FakeCluster
from tests.unit.rollout.specs import digest, uri


def errors(world: FakeCluster, reason: str) -> float:
    return world.metrics.registry.get_sample_value("medinfer_operator_errors_total", {"reason": reason}) or 0.0


async def healthy() -> FakeCluster:
    return await FakeCluster().run_until("Healthy")


def release(world: FakeCluster, version: int, **changes: object) -> None:
    world.server.edit_rollout(version=version, artifact={"uri": uri(version), "digest": digest(version)}, **changes)


async def test_a_first_install_ends_healthy() -> None:
    world = await healthy()
    assert world.status["stable"]["version"] == 1 and world.status["observedGeneration"] == 1
    assert all(agent.warm == {1} for agent in world.pod_client.agents.values())
    await until(lambda: {"Promoted", "Healthy"} <= {event["reason"] for event in world.server.events}, "both Events")
    assert all(event["involvedObject"]["name"] == ROLLOUT for event in world.server.events)


async def test_a_rollout_at_rest_is_reconciled_as_often_as_the_settings_say() -> None:
    world = FakeCluster(settings=SETTINGS.model_copy(update={"resync_seconds": 3.0}))
    await world.run_until("Healthy")
    assert await world.reconcile() == 3


async def test_a_release_ends_healthy_and_is_reported() -> None:
    world = await healthy()
    steps = [{"setWeight": 50}, {"pause": {"seconds": 1}}, {"setWeight": 100}]
    analysis = {"intervalSeconds": 1, "minSamples": 20}
    release(world, 2, strategy={"steps": steps}, analysis=analysis, notify={"url": "http://hook"})
    await world.run_until("Healthy")
    assert world.status["stable"]["version"] == 2
    urls = [url for url, _ in world.notifier.notices]
    assert set(urls) == {"", "http://hook"} and urls == sorted(urls)  # the first install names none
    assert world.notifier.notices[-1][1]["reason"] == "Healthy"
    assert urls.count("") > 0 and urls.count("http://hook") < len(world.server.events)


async def test_at_rest_nothing_is_written() -> None:
    world = await healthy()
    await world.tick()
    before = list(world.server.log)
    for _ in range(5):
        assert (await world.tick() or 0) > 1
    assert world.server.log == before


async def test_without_the_lease_nothing_is_even_read() -> None:
    world = FakeCluster()

    def refuse(verb: str, kind: str, name: str) -> None:
        raise AssertionError(f"{verb} {kind} {name}")

    world.server.before = refuse
    assert await world.reconciler.reconcile(ROLLOUT) == STANDBY_SECONDS


async def test_a_lease_that_ends_during_a_reconcile_ends_its_writes() -> None:
    world = FakeCluster()
    await world.tick()
    await world.tick()
    before = list(world.server.log)

    def freeze(verb: str, kind: str, name: str) -> None:
        if verb == "read":
            world.clock.now_seconds += 30

    world.server.before = freeze
    world.server.edit_rollout(suspend=True)
    assert await world.reconcile() == STANDBY_SECONDS
    assert world.server.log == before


async def test_a_new_leader_writes_both_documents_first() -> None:
    world = await healthy()
    late = world.server.read_config_map(ROUTES)
    world.reconciler.forget_all()
    del world.server.log[:]
    assert await world.reconcile() == 0.0
    assert world.server.log == ["plan", "routes"]
    with pytest.raises(Conflict):
        world.server.write_config_map(late)
    await world.reconcile()
    assert world.server.log == ["plan", "routes"]


async def test_a_rollout_that_is_gone_is_forgotten() -> None:
    world = await healthy()
    plan, routes = world.server.data(PLAN, "plan.json"), world.server.data(ROUTES, "routes.json")
    world.server.remove("ModelRollout", ROLLOUT)
    assert await world.tick() is None
    assert f'rollout="{ROLLOUT}"' not in generate_latest(world.metrics.registry).decode()
    assert world.reconciler.watchers_of(read_pod(world.server.read_pod("api-0"))) == []
    assert (world.server.data(PLAN, "plan.json"), world.server.data(ROUTES, "routes.json")) == (plan, routes)


async def test_a_rollout_that_goes_during_a_reconcile_is_gone_at_the_next() -> None:
    world = await healthy()
    release(world, 2)
    world.server.before = lambda verb, kind, name: (
        world.server.objects.pop(("ModelRollout", ROLLOUT), None) if verb == "write" else None
    )
    assert await world.reconcile() == CONFLICT_SECONDS
    assert errors(world, "Missing") == 1
    assert await world.reconcile() is None


@pytest.mark.parametrize("name", [PLAN, ROUTES])
async def test_a_document_that_was_deleted_comes_back(name: str) -> None:
    world = await healthy()
    world.server.remove("ConfigMap", name)
    await world.run_until("Healthy")
    assert world.server.objects["ConfigMap", name]["data"]


async def test_a_document_that_is_deleted_during_a_reconcile_is_no_end() -> None:
    world = FakeCluster()
    await world.tick()

    def delete(verb: str, kind: str, name: str) -> None:
        if (verb, name) == ("write", PLAN):
            world.server.objects.pop(("ConfigMap", PLAN), None)

    world.server.before = delete
    assert await world.tick() == CONFLICT_SECONDS
    world.server.before = lambda verb, kind, name: None
    await world.run_until("Healthy")


async def test_an_edit_in_between_is_looked_at_before_anything_else_is_written() -> None:
    world = await healthy()
    release(world, 2)
    before = list(world.server.log)

    def edit(verb: str, kind: str, name: str) -> None:
        if (verb, kind) == ("write", "ModelRollout"):
            world.server.before = lambda verb, kind, name: None
            release(world, 1)

    world.server.before = edit
    assert await world.reconcile() == CONFLICT_SECONDS
    assert errors(world, "Conflict") == 1 and world.server.log == before
    await world.reconcile()
    assert world.status["observedGeneration"] == 3 and "canary" not in world.status


@pytest.mark.parametrize(
    ("error", "reason", "most_seconds"),
    [(Unavailable("refused"), "Unavailable", 2), (ClusterError("403: forbidden"), "ClusterError", 6)],
)
async def test_a_refusal_is_tried_again_a_little_later(error: Exception, reason: str, most_seconds: float) -> None:
    world = await healthy()

    def refuse(verb: str, kind: str, name: str) -> None:
        raise error

    world.server.before = refuse
    assert 1 <= (await world.reconcile() or 0) <= most_seconds
    assert errors(world, reason) == 1
    world.server.before = lambda verb, kind, name: None
    assert await world.tick() is not None and world.phase == "Healthy"


async def test_a_bug_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    world = FakeCluster()
    await world.tick()
    world.pod_client.problem = ZeroDivisionError("a bug")
    with caplog.at_level(logging.ERROR):
        assert await world.tick() == BUG_SECONDS
    assert caplog.records[-1].exc_info and errors(world, "Bug") == 1
    world.pod_client.problem = None
    await world.run_until("Healthy")


async def test_an_unusable_spec_is_said_and_moves_nothing() -> None:
    world = await healthy()
    before = list(world.server.log)
    world.server.edit_rollout(strategy={"steps": [{"setWeight": 5}]})
    await world.tick()
    assert world.phase == "Blocked" and "setWeight: 100" in world.status["message"]
    assert world.server.log == [*before, "status"]


@pytest.mark.parametrize("reference", [{}, {"name": ""}, {"name": "../../secrets"}])
async def test_a_reference_that_names_nothing_is_said(reference: dict[str, str]) -> None:
    world = FakeCluster()
    world.server.edit_rollout(tritonRef=reference)
    await world.tick()
    await world.tick()
    assert world.phase == "Blocked" and "tritonRef.name" in world.status["message"]


async def test_counts_of_a_vanished_pod_are_added_once_even_if_a_write_fails() -> None:
    world = await healthy()
    steps = [{"setWeight": 50}, {"pause": {"seconds": 3600}}, {"setWeight": 100}]
    release(world, 2, strategy={"steps": steps}, analysis={"intervalSeconds": 3600})
    await world.run_until("Progressing")
    for _ in range(5):
        await world.tick()
    counted = world.pod_client.apis["http://127.0.2.1:8003"].state().counters["2"].requests
    world.server.remove("Pod", "api-1")
    world.server.objects["ConfigMap", PLAN]["data"] = {}

    def refuse(verb: str, kind: str, name: str) -> None:
        if (verb, name) == ("write", PLAN):
            raise Conflict("modified")

    world.server.before = refuse
    assert await world.reconcile() == CONFLICT_SECONDS
    world.server.before = lambda verb, kind, name: None
    await world.tick()
    vanished = world.status["analysis"]["vanished"]["versions"]["2"]["requests"]
    assert 0 < vanished == counted


async def test_what_another_leader_may_have_counted_is_not_counted_again() -> None:
    world = await healthy()
    release(world, 2, strategy={"steps": [{"setWeight": 50}, {"pause": {"seconds": 3600}}, {"setWeight": 100}]})
    await world.run_until("Progressing")
    for _ in range(3):
        await world.tick()
    world.reconciler.forget_all()
    world.server.remove("Pod", "api-1")
    await world.tick()
    await world.tick()
    assert not world.status["analysis"]["vanished"]["versions"]


async def test_a_pod_wakes_the_rollouts_that_select_it() -> None:
    world = FakeCluster()
    await world.tick()
    await world.tick()
    triton, api = (read_pod(world.server.read_pod(name)) for name in ("triton-0", "api-0"))
    stranger = read_pod({"metadata": {"name": "other", "labels": {"app.kubernetes.io/name": f"{API}-2"}}})
    assert [world.reconciler.watchers_of(pod) for pod in (triton, api, stranger)] == [[ROLLOUT], [ROLLOUT], []]


async def test_one_that_leads_no_more_shows_no_rollouts() -> None:
    world = await healthy()
    assert f'rollout="{ROLLOUT}"' in generate_latest(world.metrics.registry).decode()
    world.reconciler.forget_all()
    assert f'rollout="{ROLLOUT}"' not in generate_latest(world.metrics.registry).decode()


async def test_missing_never_escapes_a_reconcile() -> None:
    world = await healthy()
    world.reconciler.forget_all()

    def vanish(verb: str, kind: str, name: str) -> None:
        if verb == "write":
            raise Missing(name)

    world.server.before = vanish
    assert await world.reconcile() == CONFLICT_SECONDS
