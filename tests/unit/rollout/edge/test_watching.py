"""What the watches know, with plain dicts in place of Kopf's indexes."""

from itertools import islice
from typing import Any

import pytest
from rollout_operator.edge.ownership import Owner, owned_roles, read_owner
from rollout_operator.edge.pods import PodRecord
from rollout_operator.edge.watching import Backoffs, Watches
from rollout_operator.edge.workloads import read_workload

from tests.unit.rollout.edge.api_server import rollout_spec

ROLES = [("triton", "medinfer-triton"), ("api", "medinfer-api")]


class Woken:
    """Watches, and whom they called."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.watches = Watches(self.names.append, lambda pod: self.names.append(pod.name))


def pod(name: str, uid: str = "", **labels: str) -> PodRecord:
    return PodRecord("medinfer", name, uid or name, tuple(sorted(labels.items())))


def index(*pods: PodRecord) -> dict[tuple[str, str], list[PodRecord]]:
    found: dict[tuple[str, str], list[PodRecord]] = {}
    for one in pods:
        for label in one.labels:
            found.setdefault(label, []).append(one)
    return found


def rollout(name: str, created: str, uid: str = "", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "creationTimestamp": created, "uid": uid or f"uid-{name}"}
    return {"metadata": metadata, "spec": rollout_spec(**spec)}


def knowing(*rollouts: dict[str, Any]) -> Watches:
    owners: dict[tuple[str, str], list[Owner]] = {}
    for one in rollouts:
        for role in owned_roles(one):
            owners.setdefault(role, []).append(read_owner(one))
    watches = Woken().watches
    watches.use_indexes({}, owners)
    return watches


# Pods.

PODS = (
    pod("triton-1", app="triton", zone="a"),
    pod("triton-0", app="triton", zone="b"),
    pod("api-0", app="api", zone="a"),
    pod("api-1", app="api"),
)


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        pytest.param({"app": "triton"}, ["triton-0", "triton-1"], id="by-name"),
        pytest.param({"app": "triton", "zone": "a"}, ["triton-1"], id="every-label-counts"),
        pytest.param({"zone": "a", "app": "api"}, ["api-0"], id="whatever-the-order"),
        pytest.param({"app": "triton", "zone": "c"}, [], id="a-value-that-nobody-has"),
        pytest.param({"tier": "x"}, [], id="a-label-that-nobody-has"),
        pytest.param({}, [], id="no-selector-selects-nothing"),
    ],
)
def test_pods_are_found_by_selector(selector: dict[str, str], names: list[str]) -> None:
    watches = Woken().watches
    watches.use_indexes(index(*PODS), {})
    assert [one.name for one in watches.pods(selector)] == names


def test_before_the_indexes_are_complete_nothing_is_known() -> None:
    watches = Woken().watches
    assert watches.pods({"app": "triton"}) == [] and watches.rivals(rollout("a", "2026")) == []


def test_a_pod_wakes_when_something_that_matters_changed() -> None:
    woken = Woken()
    first = pod("triton-0", "u1", app="triton")
    for type in (None, "ADDED", "MODIFIED"):  # the first listing, and what changes nothing that is looked at
        woken.watches.note_pod(type, first)
    assert woken.names == ["triton-0"]
    woken.watches.note_pod("MODIFIED", pod("triton-0", "u1", app="triton", zone="a"))
    assert woken.names == ["triton-0"] * 2
    woken.watches.note_pod("DELETED", first)
    woken.watches.note_pod("ADDED", pod("triton-0", "u2", app="triton"))
    assert woken.names == ["triton-0"] * 4


def test_a_deleted_pod_that_was_never_seen_wakes_too() -> None:
    woken = Woken()
    woken.watches.note_pod("DELETED", pod("triton-0"))
    assert woken.names == ["triton-0"]


# Workloads.

SELECTOR = {"matchLabels": {"app": "triton"}}


def stateful_set(replicas: int) -> dict[str, Any]:
    spec = {"replicas": replicas, "selector": SELECTOR, "serviceName": "triton", "template": {"large": "x" * 1000}}
    status = {"currentRevision": "a", "updateRevision": "b", "availableReplicas": 1}
    return {"metadata": {"name": "triton", "uid": "u"}, "spec": spec, "status": status}


def test_a_workload_is_what_a_rollout_must_know_of_it() -> None:
    woken = Woken()
    woken.watches.note_workload(None, "StatefulSet", stateful_set(2))
    woken.watches.note_workload("MODIFIED", "StatefulSet", stateful_set(3))
    assert woken.watches.workload("StatefulSet", "triton") == {
        "metadata": {"name": "triton"},
        "spec": {"replicas": 3, "selector": SELECTOR, "serviceName": "triton"},
        "status": {"currentRevision": "a", "updateRevision": "b"},
    }
    assert woken.watches.workload("Deployment", "triton") is None and woken.names == []


def test_a_workload_that_was_deleted_is_asked_for_again() -> None:
    watches = Woken().watches
    watches.note_workload("DELETED", "StatefulSet", stateful_set(2))  # never seen
    watches.note_workload("ADDED", "StatefulSet", stateful_set(2))
    watches.note_workload("DELETED", "StatefulSet", stateful_set(2))
    assert watches.workload("StatefulSet", "triton") is None


def test_a_workload_without_a_spec_is_empty() -> None:
    assert read_workload({"metadata": {"name": "x"}}) == {"metadata": {"name": "x"}, "spec": {}, "status": {}}


# Rollouts.


def metadata(generation: int, uid: str = "u1") -> dict[str, Any]:
    return {"name": "r", "uid": uid, "generation": generation}


def test_a_write_of_status_wakes_nobody() -> None:
    woken = Woken()
    woken.watches.note_rollout(None, metadata(1))
    for _ in range(3):
        woken.watches.note_rollout("MODIFIED", metadata(1))
    assert woken.names == ["r"]


@pytest.mark.parametrize(
    ("events", "wakes"),
    [
        pytest.param([("MODIFIED", metadata(2))], 1, id="an-edit"),
        pytest.param([("DELETED", metadata(1))], 1, id="deleted"),
        pytest.param([("DELETED", metadata(1)), ("ADDED", metadata(1, "u2"))], 2, id="made-again"),
        pytest.param([("ADDED", metadata(1, "u2"))], 1, id="made-again-while-nobody-watched"),
        pytest.param([(None, metadata(1))], 0, id="listed-again"),
    ],
)
def test_what_wakes_a_known_rollout(events: list[tuple[str | None, dict[str, Any]]], wakes: int) -> None:
    woken = Woken()
    woken.watches.note_rollout("ADDED", metadata(1))
    del woken.names[:]
    for event in events:
        woken.watches.note_rollout(*event)
    assert woken.names == ["r"] * wakes


# Claims.


@pytest.mark.parametrize(
    ("spec", "roles"),
    [
        pytest.param(rollout_spec(), ROLES, id="both"),
        pytest.param({"tritonRef": {"name": "medinfer-triton"}}, ROLES[:1], id="one-is-missing"),
        pytest.param({"tritonRef": {}, "apiRef": None}, [], id="none-has-a-name"),
        pytest.param(None, [], id="no-spec"),
    ],
)
def test_what_a_rollout_claims(spec: Any, roles: list[tuple[str, str]]) -> None:
    assert owned_roles({"spec": spec}) == roles


def test_a_claim_is_as_old_as_its_object() -> None:
    assert read_owner(rollout("a", "2026-01-01T12:00:00Z")) == Owner("2026-01-01T12:00:00Z", "a", "uid-a")
    assert read_owner({"metadata": {"name": "a"}}) == Owner("", "a", "")


OWN = rollout("own", "2026-01-02T00:00:00Z")


@pytest.mark.parametrize(
    ("others", "rivals"),
    [
        pytest.param([], [], id="alone"),
        pytest.param([rollout("a", "2026-01-01T00:00:00Z")], ["a"], id="older"),
        pytest.param([rollout("a", "2026-01-03T00:00:00Z")], [], id="younger"),
        pytest.param([rollout("a", "2026-01-02T00:00:00Z")], ["a"], id="the-same-second-and-a-smaller-name"),
        pytest.param([rollout("z", "2026-01-02T00:00:00Z")], [], id="the-same-second-and-a-larger-name"),
        pytest.param(
            [rollout("b", "2026-01-01T00:00:00Z"), rollout("a", "2025-01-01T00:00:00Z")], ["a", "b"], id="oldest-first"
        ),
        pytest.param(
            [rollout("a", "2026-01-01T00:00:00Z", tritonRef={"name": "other"})], ["a"], id="only-the-gateway-is-shared"
        ),
        pytest.param(
            [rollout("a", "2026-01-01T00:00:00Z", tritonRef={"name": "x"}, apiRef={"name": "y"})],
            [],
            id="nothing-is-shared",
        ),
        pytest.param([rollout("own", "2026-01-01T00:00:00Z", "uid-own")], [], id="itself-as-it-was"),
    ],
)
def test_older_rollouts_of_the_same_parts_are_rivals(others: list[dict[str, Any]], rivals: list[str]) -> None:
    assert [one.name for one in knowing(OWN, *others).rivals(OWN)] == rivals


def test_requests_of_the_watches_are_tried_again_for_ever() -> None:
    assert list(islice(Backoffs(), 6)) == [0.5, 1, 2, 3, 3, 3]
