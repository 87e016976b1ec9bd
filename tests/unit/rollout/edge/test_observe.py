"""One observation: what counts as there, as gone, and as not answering."""

from typing import Any

import pytest
from rollout_operator.documents.api import ApiState
from rollout_operator.documents.spec import InvalidSpec, Spec
from rollout_operator.documents.status import Status
from rollout_operator.edge.errors import Missing, Unavailable
from rollout_operator.edge.objects import PLAN_KEY, ROUTES_KEY
from rollout_operator.edge.observe import Observed, Observer
from rollout_operator.edge.ownership import Owner
from rollout_operator.edge.pods import PodRecord
from rollout_operator.edge.rollout_objects import is_rolling, read_objects
from rollout_operator.edge.workloads import read_workload
from rollout_operator.settings import Settings

from ci.stack import cluster_objects
from ci.stack.cluster_objects import API, PLAN, ROUTES, TRITON
from tests.unit.rollout import healthy_cluster
from tests.unit.rollout.edge.api_server import ROLLOUT
from tests.unit.rollout.edge.fake_cluster import SETTINGS, FakeCluster


async def observe(
    world: FakeCluster, settings: Settings = SETTINGS, readings: dict[str, ApiState] | None = None
) -> Observed:
    objects = read_objects(world.server, ROLLOUT, world.watched.workload)
    return await Observer(world.server, world.watched, world.pod_client, settings).observe(objects, readings or {})


def set_pod(world: FakeCluster, name: str, **status: Any) -> None:
    world.server.objects["Pod", name]["status"] |= status


async def test_everything_is_there() -> None:
    world = FakeCluster()
    found = await observe(world, readings={"api-9": ApiState("s")})
    seen = found.seen
    assert isinstance(found.spec, Spec) and found.spec.name == ROLLOUT and found.status == Status()
    assert [one.name for one in seen.replicas] == ["triton-0", "triton-1"]
    assert [one.state.replica for one in seen.replicas if one.state] == ["triton-0", "triton-1"]
    assert [one.instance for one in seen.replicas if not one.instance.startswith("uid-")] == []
    assert [(pod.name, pod.state is not None) for pod in seen.api_pods] == [("api-0", True), ("api-1", True)]
    assert (seen.desired_replicas, seen.rolling, seen.rival, seen.now) == (2, False, "", 1_767_268_800)
    assert (seen.plan, seen.routes, list(seen.readings)) == (None, None, ["api-9"])


async def test_who_is_asked_where() -> None:
    world = FakeCluster(1, 1)
    await observe(world)
    assert world.pod_client.asked == ["http://127.0.1.0:8080", "http://127.0.2.0:8003"]


@pytest.mark.parametrize(
    ("template", "url", "agent_url"),
    [
        ("{ip}", "http://127.0.1.0:8000", "http://127.0.1.0:8080"),
        (
            "{pod}.{service}.{namespace}.svc",
            "http://triton-0.medinfer-triton.medinfer.svc:8000",
            "http://triton-0.medinfer-triton.medinfer.svc:8080",
        ),
    ],
)
async def test_addresses_for_others_follow_the_template(template: str, url: str, agent_url: str) -> None:
    settings = SETTINGS.model_copy(update={"replica_host": template})
    (replica,) = (await observe(FakeCluster(1, 1), settings)).seen.replicas
    assert (replica.url, replica.agent_url) == (url, agent_url)


async def test_ipv6_addresses_stand_in_brackets() -> None:
    world = FakeCluster(1, 1)
    set_pod(world, "triton-0", podIP="fd00::7")
    (replica,) = (await observe(world)).seen.replicas
    assert (replica.url, world.pod_client.asked[0]) == ("http://[fd00::7]:8000", "http://[fd00::7]:8080")


async def test_a_triton_pod_without_an_address_counts_and_is_not_asked() -> None:
    world = FakeCluster(1, 1)
    set_pod(world, "triton-0", podIP=None)
    (replica,) = (await observe(world)).seen.replicas
    assert (replica.url, replica.agent_url, replica.state, world.pod_client.asked[0]) == ("", "", None, "")


async def test_an_api_pod_without_an_address_never_served() -> None:
    world = FakeCluster(1, 2)
    set_pod(world, "api-1", podIP=None)
    assert [pod.name for pod in (await observe(world)).seen.api_pods] == ["api-0"]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_pods_that_ended_are_gone(phase: str) -> None:
    world = FakeCluster(2, 2)
    for name in ("triton-0", "api-0"):
        set_pod(world, name, phase=phase)
    seen = (await observe(world)).seen
    assert ([one.name for one in seen.replicas], [pod.name for pod in seen.api_pods]) == (["triton-1"], ["api-1"])


async def test_a_terminating_pod_still_counts() -> None:
    world = FakeCluster(1, 1)
    for name in ("triton-0", "api-0"):
        world.server.objects["Pod", name]["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    seen = (await observe(world)).seen
    assert [one.terminating for one in (*seen.replicas, *seen.api_pods)] == [True, True]


async def test_without_the_stateful_set_there_are_no_replicas() -> None:
    world = FakeCluster()
    world.server.remove("StatefulSet", TRITON)
    seen = (await observe(world)).seen
    assert (seen.replicas, seen.desired_replicas, seen.rolling) == ((), 0, False)
    assert len(seen.api_pods) == 2


@pytest.mark.parametrize("gone", [True, False], ids=["no Deployment", "no selector to find its pods by"])
async def test_an_api_that_cannot_be_found_counts_as_one_that_does_not_answer(gone: bool) -> None:
    world = FakeCluster()
    if gone:
        world.server.remove("Deployment", API)
    else:
        world.server.objects["Deployment", API]["spec"]["selector"] = {"matchExpressions": [{}]}
    (pod,) = (await observe(world)).seen.api_pods
    assert pod.name.startswith(f"Deployment {API}") and pod.state is None and not pod.is_gone(1e12)


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"schemaVersion": 1}'])
async def test_documents_that_are_not_whole_are_none(content: str | None) -> None:
    world = FakeCluster()
    for name, key in ((PLAN, PLAN_KEY), (ROUTES, ROUTES_KEY)):
        world.server.objects["ConfigMap", name]["data"] = {} if content is None else {key: content}
    seen = (await observe(world)).seen
    assert (seen.plan, seen.routes) == (None, None)


async def test_documents_that_are_absent_are_none() -> None:
    world = FakeCluster()
    world.server.remove("ConfigMap", PLAN)
    world.server.remove("ConfigMap", ROUTES)
    found = await observe(world)
    assert (found.seen.plan, found.seen.routes, found.objects.plan_map) == (None, None, None)


async def test_documents_are_read() -> None:
    world, made = FakeCluster(), healthy_cluster.cluster()
    world.server.objects["ConfigMap", PLAN]["data"] = {PLAN_KEY: made.plan_text}
    world.server.objects["ConfigMap", ROUTES]["data"] = {ROUTES_KEY: made.routes_text}
    seen = (await observe(world)).seen
    assert (seen.plan, seen.routes) == (made.plan, made.routes)


async def test_workloads_that_a_watch_shows_are_not_asked_for() -> None:
    world, asked = FakeCluster(), list[str]()
    for kind, name in (("StatefulSet", TRITON), ("Deployment", API)):
        body = world.server.objects.pop((kind, name))
        world.indexes.workloads[kind, name] = read_workload(body)
    world.server.before = lambda verb, kind, name: asked.append(kind)
    seen = (await observe(world)).seen
    assert asked == ["ModelRollout", "ConfigMap", "ConfigMap"]
    assert (len(seen.replicas), len(seen.api_pods), seen.desired_replicas) == (2, 2, 2)


async def test_an_invalid_spec_is_a_finding() -> None:
    world = FakeCluster()
    world.server.edit_rollout(version=0)
    found = (await observe(world)).spec
    assert isinstance(found, InvalidSpec) and found.generation == 2 and "version" in str(found)


async def test_an_unreadable_status_is_none() -> None:
    world = FakeCluster()
    world.server.rollout()["status"] = {"stable": "one"}
    assert (await observe(world)).status == Status()


async def test_a_rollout_that_is_gone_cannot_be_looked_at() -> None:
    world = FakeCluster()
    world.server.remove("ModelRollout", ROLLOUT)
    with pytest.raises(Missing):
        await observe(world)


@pytest.mark.parametrize(
    ("status", "rolling"),
    [
        ({"updateRevision": "b", "currentRevision": "a"}, True),
        ({"updateRevision": "a", "currentRevision": "a"}, False),
        ({"currentRevision": "a"}, False),
        ({}, False),
        (None, False),
    ],
)
def test_a_stateful_set_is_being_updated(status: dict[str, str] | None, rolling: bool) -> None:
    assert is_rolling({"status": status}) is rolling


# What a watch still shows though it is gone.


def deleted_pod(name: str, workload: str, ready: bool = True) -> PodRecord:
    labels = tuple(sorted(cluster_objects.labels(workload).items()))
    return PodRecord("medinfer", name, f"deleted-{name}", labels, "127.0.9.9", not_ready_since=None if ready else 1.0)


async def test_a_ready_pod_that_is_silent_and_not_there_is_gone() -> None:
    world = FakeCluster(1, 1)
    world.indexes.deleted_pods = [deleted_pod("triton-7", TRITON), deleted_pod("api-7", API)]
    seen = (await observe(world)).seen
    assert ([one.name for one in seen.replicas], [pod.name for pod in seen.api_pods]) == (["triton-0"], ["api-0"])


async def test_a_pod_of_the_same_name_is_not_the_one_that_is_gone() -> None:
    world = FakeCluster(1, 1)
    world.pod_client.agents.clear()
    world.indexes.deleted_pods = [deleted_pod("triton-0", TRITON)]
    (replica,) = (await observe(world)).seen.replicas
    assert not replica.instance.startswith("deleted")


async def test_a_silent_pod_that_is_there_counts() -> None:
    world = FakeCluster(1, 1)
    world.pod_client.agents["triton-0"].up = world.pod_client.apis["http://127.0.2.0:8003"].up = False
    seen = (await observe(world)).seen
    assert ([one.state for one in seen.replicas], [pod.state for pod in seen.api_pods]) == ([None], [None])


async def test_only_what_contradicts_itself_is_asked_for() -> None:
    world = FakeCluster(2, 2)
    set_pod(world, "triton-1", conditions=[cluster_objects.ready_condition(False)])
    world.pod_client.agents["triton-1"].up = False
    asked: list[str] = []
    world.server.before = lambda verb, kind, name: asked.append(name) if kind == "Pod" else None
    await observe(world)
    assert asked == []


async def test_an_api_server_that_cannot_tell_ends_the_look() -> None:
    world = FakeCluster(1, 1)
    world.indexes.deleted_pods = [deleted_pod("api-7", API)]

    def away(verb: str, kind: str, name: str) -> None:
        if kind == "Pod":
            raise Unavailable("refused")

    world.server.before = away
    with pytest.raises(Unavailable):
        await observe(world)


@pytest.mark.parametrize(
    ("others", "rival"),
    [
        pytest.param([("older", "2025-01-01T00:00:00Z")], "older", id="older"),
        pytest.param([("younger", "2027-01-01T00:00:00Z")], "", id="younger"),
        pytest.param([("old", "2025-01-01T00:00:00Z"), ("oldest", "2024-01-01T00:00:00Z")], "oldest", id="the-oldest"),
        pytest.param([("a-twin", "2026-01-01T12:00:00Z")], "a-twin", id="of-the-same-second-by-name"),
    ],
)
async def test_the_oldest_rollout_of_a_server_governs(others: list[tuple[str, str]], rival: str) -> None:
    world = FakeCluster(1, 1)
    for name, created in others:
        world.server.add_rollout(name, created)
    assert (await observe(world)).seen.rival == rival


async def test_a_rival_that_is_gone_governs_nothing() -> None:
    world = FakeCluster(1, 1)
    world.server.add_rollout("old", "2025-01-01T00:00:00Z")
    world.indexes.deleted_owners = [
        Owner("2024-01-01T00:00:00Z", "gone", "u"),
        Owner("2024-06-01T00:00:00Z", "old", "u"),
    ]
    assert (await observe(world)).seen.rival == "old"
