"""Where bundles come from and whether there is room for them, on running replicas."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from replica_agent.bundles import Bundles
from replica_agent.fetch import Fetcher
from replica_agent.plan import parse_plan
from replica_agent.state import Reason, VersionFailed
from replica_agent.store.rules import Rules

from ci.stack.documents import Json, build_plan, digest_of
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until
from tests.harness.hostile.repack import take_apart
from tests.harness.objectstore import HttpStore, S3Store, http_store, s3_store
from tests.integration.agent.conftest import Bundle, StartReplica
from tests.integration.agent.observe import bundles, entry, files, index, ready, wait_for

pytestmark = pytest.mark.integration

ANY = Rules(("file:/", "http://"), allow_local_addresses=True)
NOWHERE = "http://127.0.31.5:9"


@pytest.fixture
def http(bundle: Bundle) -> Iterator[HttpStore]:
    with http_store() as store:
        for version in (1, 2):
            store.content[f"/{version}.tar"] = bundle(version).read_bytes()
        yield store


@pytest.fixture
def s3(bundle: Bundle) -> Iterator[S3Store]:
    with s3_store(port=9001) as store:
        store.put("1.tar", bundle(1).read_bytes())
        yield store


def from_store(plan: Json, store: str) -> Json:
    """The same plan with artifacts at `<store>/<version>.tar`."""
    roles = {role: plan[role] for role in ("stable", "canary", "previous") if plan[role]}
    return plan | {role: found | {"uri": f"{store}/{found['version']}.tar"} for role, found in roles.items()}


def sibling(replica: Replica) -> Json:
    return {"name": replica.name, "url": replica.agent_url}


def test_a_bundle_from_s3(make_replica: StartReplica, bundle: Bundle, s3: S3Store) -> None:
    replica = make_replica()
    replica.environment |= s3.environment
    replica.follow(from_store(build_plan(stable=bundle(1)), "s3://bundles"))
    replica.start()
    replica.wait_until_warm()


def test_a_store_that_comes_back_is_asked_again(make_replica: StartReplica, bundle: Bundle, http: HttpStore) -> None:
    replica = make_replica()
    http.status = 503
    replica.follow(from_store(build_plan(stable=bundle(1)), http.url))
    replica.start()
    failed = wait_for(replica, 1, "Failed")
    assert failed["reason"] == "FetchFailed" and "HTTP 503" in failed["message"]
    http.status, http.cuts = 200, [5000]
    replica.wait_until_warm()


def test_siblings_give_what_the_store_cannot(make_replica: StartReplica, bundle: Bundle, http: HttpStore) -> None:
    plan = from_store(build_plan(stable=bundle(1)), http.url)
    first, second = make_replica(), make_replica()
    first.follow(plan)
    first.start()
    first.wait_until_warm()
    http.status = 503
    http.content[f"/bundles/{digest_of(bundle(1))}"] = b"not the bundle"
    liar = {"name": "liar", "url": http.url}
    second.follow(plan | {"siblings": [sibling(second), liar, {"name": "gone", "url": NOWHERE}, sibling(first)]})
    second.start()
    second.wait_until_warm()
    assert bundles(second) == {digest_of(bundle(1))}


def test_a_sibling_that_lies_condemns_nothing(bundle: Bundle, http: HttpStore, tmp_path: Path) -> None:
    """Regression guard: an unreachable store comes back, but wrong bytes in the store would be final."""
    http.content[f"/bundles/{digest_of(bundle(1))}"] = b"not the bundle"
    plan = from_store(build_plan(stable=bundle(1)), NOWHERE) | {"siblings": [{"name": "liar", "url": http.url}]}
    wanted = parse_plan(json.dumps(plan).encode())
    assert wanted.stable
    cache = Bundles(tmp_path / "bundles")
    with pytest.raises(VersionFailed, match=r"Cannot connect.*; .*has digest") as failed:
        Fetcher(cache, tmp_path, "triton-0", 0, ANY).fetch(wanted.stable, wanted, lambda progress: None)
    assert failed.value.reason is Reason.FETCH_FAILED and cache.all() == {}


def test_a_full_disk_is_found_before_it_is_full(make_replica: StartReplica, bundle: Bundle) -> None:
    replica = make_replica(MIN_FREE_DISK_BYTES=str(1 << 60))
    replica.follow(build_plan(stable=bundle(1)))
    replica.start()
    failed = wait_for(replica, 1, "Failed")
    assert failed["reason"] == "InsufficientDisk" and "MIN_FREE_DISK_BYTES" in failed["message"]
    assert not [name for name in files(replica) if name.startswith(("bundles/", "staging/", "repository/"))]


def test_a_canary_that_does_not_fit_is_not_loaded(make_replica: StartReplica, bundle: Bundle) -> None:
    need = memory_bytes(bundle(1))
    replica = make_replica(MEMORY_LIMIT_BYTES=str(need + memory_bytes(bundle(2)) - 1))
    replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
    replica.start()
    failed = wait_for(replica, 2, "Failed")
    assert failed["reason"] == "InsufficientMemory" and "version 2 needs" in failed["message"]
    assert ready(replica) and index(replica) == {1: "READY"}
    replica.follow(build_plan(stable=bundle(1)))
    wait_until(lambda: not entry(replica, 2), "the plan was followed")
    assert ready(replica)


def memory_bytes(bundle: Path) -> int:
    return take_apart(bundle).memory_bytes
