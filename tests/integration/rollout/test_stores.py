"""No room on a disk, and a store that is away: each under load, with no failed request."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from modelctl.bundle.oci.docker_config import Credential
from modelctl.bundle.oci.reference import parse
from modelctl.registry.client import Client, Trust
from modelctl.registry.push import push

from ci.stack.certificates import Authority
from ci.stack.cluster_objects import TRITON
from ci.stack.documents import Json, digest_of
from ci.stack.kubernetes import Cluster
from ci.stack.registry import Registry
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.harness.objectstore import HttpStore, http_store
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.rollouts import RolloutStack
from tests.integration.rollout.canary_at_half import HALFWAY, QUICK, SHORT, end_promoted

pytestmark = pytest.mark.integration

ADDRESS, PORT = "127.0.80.250", 8090
REGISTRY, USER, PASSWORD = "127.0.80.251", "agents", "tiger-of-the-registry"
MARGIN_BYTES = 1 << 30  # what others on this machine may write or remove meanwhile


@pytest.fixture(scope="module")
def stack(cluster: Cluster, bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RolloutStack]:
    """Version 1 is live on two replicas, fetched from the store."""
    stack = RolloutStack(Namespace(cluster), bundles, tmp_path_factory.mktemp("stores"), subnet=80)
    stack.agent_environment |= {
        "MEDINFER_AGENT_CA_FILE": str(Authority(stack.folder / "hospital").certificate),
        "MEDINFER_AGENT_PULL_SECRET_FILE": str(stack.folder / "pull-secret/config.json"),
    }
    try:
        with store(stack, 1):
            stack.start(version=None)
            stack.apply(1, artifact=stored(stack, 1))
            stack.wait_for_ready(1)
            for api in stack.apis.values():
                api.wait_until_serving()
        yield stack
    finally:
        stack.stop()


@contextmanager
def store(stack: RolloutStack, *versions: int) -> Iterator[HttpStore]:
    """Holds these versions; nothing listens there once the block ends."""
    with http_store(ADDRESS, PORT) as store:
        store.content.update({f"/{version}.tar": stack.bundle(version).read_bytes() for version in versions})
        yield store


def stored(stack: RolloutStack, version: int) -> Json:
    return {"uri": f"http://{ADDRESS}:{PORT}/{version}.tar", "digest": digest_of(stack.bundle(version))}


@contextmanager
def registry(stack: RolloutStack, version: int) -> Iterator[Json]:
    """Holds this version; gives the artifact of a rollout. Its authority and its password are those of the agents."""
    authority = Authority(stack.folder / "hospital")
    with Registry(stack.folder / "registry", REGISTRY, authority=authority, users={USER: PASSWORD}) as up:
        secret = Path(stack.agent_environment["MEDINFER_AGENT_PULL_SECRET_FILE"])
        secret.parent.mkdir()
        secret.write_text(json.dumps({"auths": {up.host: {"username": USER, "password": PASSWORD}}}))
        to = parse(f"oci://{up.host}/models/resnet_medical")
        client = Client(to, Credential(USER, PASSWORD), Trust(authority.certificate))
        uri, digest = push(stack.bundle(version), to, client)
        yield {"uri": uri, "digest": digest}


def served_by(stack: RolloutStack, pod: Sidecar) -> set[int]:
    """Versions that API pods may ask this replica for."""
    routes = stack.namespace.routes() or {}
    return {version for one in routes["replicas"] if one["name"] == pod.name for version in one["versions"]}


def verified(pod: Sidecar) -> set[str]:
    """Digests of the bundles in its cache, by what the files hold."""
    return {digest_of(path) for path in (pod.folder / "data" / "bundles").glob("*.tar")}


def lose_everything(stack: RolloutStack, pod: Sidecar) -> None:
    """As a node that starts again with an empty disk; the kubelet then starts the pod again, no sooner."""
    for part in ("agent", "triton"):
        stack.kubelet.leave_dead(pod.name, part)
    pod.kill()
    shutil.rmtree(pod.folder / "data")
    (pod.folder / "data" / "repository").mkdir(parents=True)
    for part in ("agent", "triton"):
        stack.kubelet.revive(pod.name, part)


def test_a_replica_restarts_with_an_empty_disk_while_the_store_is_down(
    stack: RolloutStack, images: list[bytes]
) -> None:
    pod = stack.tritons[f"{TRITON}-1"]
    with stack.load(images, stack.expected(images, 1)) as load:
        load.wait_until_answered(200)
        pid = pod.agent.pid
        lose_everything(stack, pod)
        wait_until(lambda: pod.agent.pid != pid and 1 in stack.loaded(pod) and pod.is_ready(), "it serves again", 90)
        wait_until(lambda: served_by(stack, pod) == {1}, "it is routed again")
        load.mark("back")
        load.wait_until_answered(200)
        result = load.finish(at_least=1000)
    assert result.failed == 0
    assert verified(pod) == {digest_of(stack.bundle(1))}
    assert stack.status()["phase"] == "Healthy"


def test_a_full_disk_holds_a_release_until_there_is_room(stack: RolloutStack, images: list[bytes]) -> None:
    """By a registry, whose password is nowhere where somebody could read it."""
    version, stable = stack.make_version(41), 1
    pod = stack.tritons[f"{TRITON}-1"]
    with (
        stack.load(images, stack.expected(images, stable, version)) as load,
        registry(stack, version) as artifact,
    ):
        load.wait_until_answered(100)
        with full_disk(stack, pod):
            stack.apply(version, artifact=artifact, steps=SHORT, analysis=QUICK)
            wait_until(lambda: f"{pod.name}: InsufficientDisk" in stack.status()["message"], "the disk is full", 90)
            load.wait_until_answered(200)
            status = stack.status()
            assert not status.get("quarantined") and not status.get("lastFailure")
            assert status["stable"]["version"] == stable and status["stable"]["weight"] == 100
            assert served_by(stack, pod) == {stable}
            load.mark("room")
        result = end_promoted(stack, load, version)
    assert result.between(end="room").by_version().keys() == {stable}
    assert stack.status()["stable"]["uri"] == artifact["uri"]
    assert PASSWORD not in json.dumps(stack.status())
    for one in stack.tritons.values():
        assert PASSWORD not in one.agent.log.read_text()
        assert not [path for path in one.folder.rglob("*.json") if PASSWORD in path.read_text()]


@contextmanager
def full_disk(stack: RolloutStack, pod: Sidecar) -> Iterator[None]:
    """Its agent wants more left free than there is, until the file that takes the room is removed."""
    file = pod.folder / "fills-the-disk"
    free = shutil.disk_usage(pod.folder).free
    pod.agent.environment["MEDINFER_AGENT_MIN_FREE_DISK_BYTES"] = str(free - MARGIN_BYTES)
    with file.open("wb") as taken:
        os.posix_fallocate(taken.fileno(), 0, 2 * MARGIN_BYTES)
    try:
        pid = pod.agent.pid
        pod.agent.stop()
        wait_until(lambda: pod.agent.pid != pid and pod.is_ready(), "the agent runs again", 60)
        yield
    finally:
        file.unlink()


def test_a_replica_is_added_mid_canary_while_the_store_is_down(stack: RolloutStack, images: list[bytes]) -> None:
    version, stable = stack.make_version(42), int(stack.status()["stable"]["version"])
    with stack.load(images, stack.expected(images, stable, version)) as load:
        with store(stack, version, stable) as up:
            stack.apply(version, artifact=stored(stack, version), steps=HALFWAY, analysis=QUICK)
            stack.wait_for_weight(50)
        asked = len(up.requests)
        stack.namespace.scale(TRITON, 3)
        added = stack.add_triton()
        wait_until(lambda: served_by(stack, added) == {stable, version}, "the third replica serves both", 120)
        load.mark("added")
        load.wait_until_answered(200)
        stack.apply(version, artifact=stored(stack, version), steps=SHORT, analysis=QUICK)
        end_promoted(stack, load, version)
    assert len(up.requests) == asked, "nothing came from the store"
    assert verified(added) == {digest_of(stack.bundle(one)) for one in (stable, version)}
