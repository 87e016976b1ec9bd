"""Versions are loaded and dropped on one replica while the other version keeps serving, untouched."""

from statistics import median

import pytest

from ci.stack.documents import FULL, build_plan, digest_of
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until
from tests.integration.agent.conftest import Bundle, StartReplica
from tests.integration.agent.observe import (
    WARM_SECONDS,
    bundles,
    entry,
    files,
    index,
    ready,
    rejection,
    status,
    stays_ready,
    stubs,
    wait_for,
)
from tests.integration.agent.patients import Patients

pytestmark = pytest.mark.integration


def test_first_install_is_ready_once_its_canary_proved_itself(make_replica: StartReplica, bundle: Bundle) -> None:
    replica = make_replica()
    replica.start()
    wait_until(lambda: "there is no plan" in rejection(replica), "the agent misses its plan")
    assert replica.state()["id"] is None and status(replica, "/ready") == 503 and status(replica, "/health") == 200
    replica.follow(build_plan(canary=bundle(1), warmup=FULL))
    warm = wait_for(replica, 1, "Warm")
    assert ready(replica) and status(replica, "/versions/1") == 200 and status(replica, "/versions/2") == 404
    assert warm["role"] == "canary" and warm["digest"] == digest_of(bundle(1))
    assert warm["warmup"]["golden"]["matched"] == warm["warmup"]["golden"]["total"] > 0
    assert warm["warmup"]["iterations"] >= 40 and warm["warmup"]["p50Ms"] <= warm["warmup"]["p95Ms"]
    assert replica.state()["rejected"] is None


def test_a_canary_comes_and_goes_and_stable_does_not_notice(replica: Replica, bundle: Bundle) -> None:
    before = stubs(replica, 1)
    with Patients(replica, bundle(1)) as patients:
        wait_until(lambda: len(patients.latencies_ms) > 50, "a quiet minute, in small")
        quiet = list(patients.latencies_ms)
        replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
        wait_until(lambda: stays_ready(replica) and entry(replica, 2).get("state") == "Warm", "2 is warm", WARM_SECONDS)
        assert index(replica) == {1: "READY", 2: "READY"}
        replica.follow(build_plan(stable=bundle(1)))
        wait_until(lambda: stays_ready(replica) and not entry(replica, 2), "2 is gone", WARM_SECONDS)
    assert patients.failures == []
    assert before and stubs(replica, 1) == before, "version 1 was reloaded"
    assert index(replica)[2] == "UNAVAILABLE"
    wait_until(lambda: bundles(replica) == {digest_of(bundle(1))}, "the bundle of version 2 is gone")
    assert not [name for name in files(replica) if name.startswith(("repository/resnet_medical/2", "staging/"))]
    print(f"median {median(quiet):.1f} ms quiet, {median(patients.latencies_ms):.1f} ms in all")


def test_promotion_and_the_next_canary_never_reload_the_promoted_version(replica: Replica, bundle: Bundle) -> None:
    """Regression guard: promotion rewrites config.pbtxt in the model's folder, and Triton compares times there."""
    replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
    wait_for(replica, 2, "Warm")
    before = stubs(replica, 2)
    with Patients(replica, bundle(2)) as patients:
        replica.follow(build_plan(stable=bundle(2), previous=bundle(1)))
        config = replica.folder / "data/repository/resnet_medical/config.pbtxt"
        wait_until(lambda: "versions: 2" in config.read_text(), "config.pbtxt is pinned to version 2")
        assert entry(replica, 1)["state"] == "Warm" and entry(replica, 1)["role"] == "previous" and ready(replica)
        replica.follow(build_plan(stable=bundle(2), canary=bundle(3)))
        wait_for(replica, 3, "Warm")
        assert index(replica) == {1: "UNAVAILABLE", 2: "READY", 3: "READY"}
    assert patients.failures == []
    assert before and stubs(replica, 2) == before, "version 2 was reloaded"


def test_the_last_version_that_can_serve_stays_until_its_successor_is_warm(replica: Replica, bundle: Bundle) -> None:
    with Patients(replica, bundle(1)) as patients:
        replica.follow(build_plan(stable=bundle(5)))
        wait_for(replica, 5, "Failed")
        assert entry(replica, 1)["state"] == "Warm" and entry(replica, 1)["role"] == ""
        assert status(replica, "/versions/1") == 200 and not ready(replica)
    replica.follow(build_plan(stable=bundle(2)))
    wait_for(replica, 2, "Warm")
    wait_for(replica, 1, "")
    assert patients.failures == [] and ready(replica)


def test_a_canary_for_other_replicas_is_left_alone(replica: Replica, bundle: Bundle) -> None:
    plan = build_plan(stable=bundle(1), canary=bundle(2), canary_replicas=["triton-elsewhere"])
    before = replica.state()["id"]
    replica.follow(plan)
    wait_until(lambda: replica.state()["id"] != before and entry(replica, 1)["role"] == "stable", "it is followed")
    assert bundles(replica) == {digest_of(bundle(1))} and not entry(replica, 2)
    replica.follow(build_plan(stable=bundle(1), canary=bundle(2), canary_replicas=[replica.name]))
    wait_for(replica, 2, "Warm")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", "the plan is empty", id="empty"),
        pytest.param("{", "not JSON", id="half-written"),
        pytest.param('{"schemaVersion": 1, "model": "resnet_medical"}', "stable or canary", id="nothing-named"),
        pytest.param(None, "there is no plan", id="deleted"),
    ],
)
def test_a_plan_that_is_none_changes_nothing(replica: Replica, bundle: Bundle, text: str | None, reason: str) -> None:
    applied = replica.state()["id"]
    replica.plan_file.unlink() if text is None else replica.plan_file.write_text(text)
    wait_until(lambda: reason in rejection(replica), f"rejected: {reason}")
    assert replica.state()["id"] == applied and ready(replica) and index(replica) == {1: "READY"}
