"""A bad version fails in its own step, stable keeps serving, and the replica then takes a good version."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ci.stack.documents import Json, artifact, build_plan, digest_of
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until
from tests.harness.hostile.repack import hostile, repack, take_apart
from tests.integration.agent.conftest import Bundle
from tests.integration.agent.observe import bundles, entry, files, index, ready, stays_ready, stubs, wait_for
from tests.integration.agent.patients import Patients

pytestmark = pytest.mark.integration

MakeBundle = Callable[[Bundle, Path], Path]


@dataclass(frozen=True)
class Bad:
    """`keeps`: whether its bytes may stay in the cache, because the plan names them."""

    make: MakeBundle
    reason: str
    message: str
    keeps: bool = True


def with_golden_of(other: int, version: int) -> MakeBundle:
    """Version `version`, whose proof triggers its fault."""
    return lambda bundle, folder: repack(bundle(version), folder, golden=take_apart(bundle(other)).golden)


def with_config(old: str, new: str) -> MakeBundle:
    return lambda bundle, folder: repack(
        bundle(2), folder, config=take_apart(bundle(2)).config.replace(old.encode(), new.encode())
    )


def truncated(bundle: Bundle, folder: Path) -> Path:
    path = folder / "resnet_medical-2.tar"
    path.write_bytes(bundle(2).read_bytes()[:20000])
    return path


def hostile_tar(name: str) -> MakeBundle:
    return lambda _, folder: hostile(name, folder)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Iterator[Replica]:
    replica = Replica("triton-bad", "127.0.31.9", tmp_path_factory.mktemp("bad"))
    replica.follow(build_plan(stable=bundle(1)))
    with replica:
        replica.wait_until_warm()
        yield replica


@pytest.fixture
def stable_only(shared: Replica, bundle: Bundle) -> Replica:
    """The replica of all tests here, which is never restarted. It holds only version 1, warm."""
    shared.follow(build_plan(stable=bundle(1)))
    wait_until(lambda: held(shared) == {1: "Warm"}, "the canary of the test before is forgotten", 60)
    wait_until(lambda: ready(shared) and bundles(shared) == {digest_of(bundle(1))}, "only version 1 is held", 60)
    return shared


def held(replica: Replica) -> dict[int, str]:
    """State of each version that /state names."""
    return {one["version"]: one["state"] for one in replica.state()["versions"]}


BAD = [
    pytest.param(Bad(lambda bundle, _: bundle(5), "LoadFailed", "INVALID_GRAPH"), id="does-not-load"),
    pytest.param(Bad(lambda bundle, _: bundle(10), "GoldenMismatch", "8 of 8"), id="wrong-answers"),
    pytest.param(Bad(with_golden_of(14, 8), "GoldenMismatch", "golden"), id="nan"),
    pytest.param(Bad(with_golden_of(14, 6), "WarmupError", "batch of 1"), id="errors-while-it-proves-itself"),
    pytest.param(Bad(with_config("1000", "2000"), "ConfigChanged", "version 1"), id="other-config"),
    pytest.param(Bad(truncated, "BundleInvalid", "truncated", keeps=False), id="truncated"),
    *(
        pytest.param(Bad(hostile_tar(name), "BundleInvalid", "", keeps=False), id=f"hostile-{name}")
        for name in ("traversal", "absolute", "symlink", "hardlink", "device", "bomb", "sparse")
    ),
]


@pytest.mark.parametrize("bad", BAD)
def test_stable_serves_on_beside_a_bad_canary(stable_only: Replica, bundle: Bundle, bad: Bad, tmp_path: Path) -> None:
    replica, before = stable_only, stubs(stable_only, 1)
    path = bad.make(bundle, tmp_path)
    plan = with_canary(build_plan(stable=bundle(1)), path)
    with Patients(replica, bundle(1)) as patients:
        replica.follow(plan)
        failed: Any = wait_until(
            lambda: stays_ready(replica) and failed_entry(replica, plan["canary"]), "it failed", 60
        )
        assert (failed["reason"], bad.message in failed["message"]) == (bad.reason, True), failed
        wait_until(lambda: set(index_ready(replica)) == {1}, "only version 1 is loaded")
        assert ready(replica)
    assert patients.failures == []
    assert stubs(replica, 1) == before, "version 1 was reloaded"
    assert bundles(replica) == {digest_of(bundle(1))} | ({digest_of(path)} if bad.keeps else set())
    assert not [name for name in files(replica) if name.startswith("staging/") or name.endswith(".part")]
    assert not Path("/tmp/escaped").exists() and not (replica.folder / "escaped").exists()


def failed_entry(replica: Replica, canary: dict[str, Any]) -> dict[str, Any] | None:
    """The previous test may have had a canary of the same version, whose failure is still shown for a moment."""
    found = entry(replica, canary["version"])
    return found if (found.get("state"), found.get("digest")) == ("Failed", canary["digest"]) else None


def test_wrong_bytes_are_not_kept(stable_only: Replica, bundle: Bundle) -> None:
    replica = stable_only
    plan = build_plan(stable=bundle(1), canary=bundle(2))
    plan["canary"]["digest"] = "sha256:" + "0" * 64
    replica.follow(plan)
    failed = wait_for(replica, 2, "Failed")
    assert failed["reason"] == "DigestMismatch" and digest_of(bundle(2)) in failed["message"]
    assert bundles(replica) == {digest_of(bundle(1))} and ready(replica)


def test_a_bundle_of_another_version_or_model_is_refused(stable_only: Replica, bundle: Bundle) -> None:
    replica = stable_only
    plan = build_plan(stable=bundle(1), canary=bundle(2))
    plan["canary"]["version"] = 77
    replica.follow(plan)
    failed = wait_for(replica, 77, "Failed")
    assert failed["reason"] == "BundleInvalid" and "version 2" in failed["message"]


def test_a_loaded_version_keeps_its_bytes(stable_only: Replica, bundle: Bundle, tmp_path: Path) -> None:
    replica, before = stable_only, stubs(stable_only, 1)
    parts = take_apart(bundle(2))
    reused = repack(bundle(2), tmp_path, **vars(replace(parts, version=1)))
    replica.follow(build_plan(stable=reused))
    failed = wait_for(replica, 1, "Failed")
    assert failed["reason"] == "VersionReused" and "new version number" in failed["message"]
    assert stubs(replica, 1) == before
    replica.follow(build_plan(stable=bundle(1)))
    wait_for(replica, 1, "Warm")
    assert stubs(replica, 1) == before


def test_a_good_version_works_after_all_the_bad_ones(stable_only: Replica, bundle: Bundle) -> None:
    replica = stable_only
    restarts = replica.state()["triton"]["restarts"]
    replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
    wait_for(replica, 2, "Warm")
    assert ready(replica) and entry(replica, 1)["state"] == "Warm"
    assert replica.state()["triton"]["restarts"] == restarts == 0


def test_a_version_that_hangs_is_given_up_and_a_good_one_takes_its_place(
    replica: Replica, bundle: Bundle, tmp_path: Path
) -> None:
    """It cannot be unloaded while it hangs. That must neither block the next version nor disturb stable."""
    hangs = with_golden_of(14, 9)(bundle, tmp_path)
    with Patients(replica, bundle(1)) as patients:
        replica.follow(build_plan(stable=bundle(1), canary=hangs))
        failed = wait_for(replica, 9, "Failed")
        assert failed["reason"] == "WarmupError" and "no answer to a batch of 1" in failed["message"]
        replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
        wait_for(replica, 2, "Warm")
        assert index(replica) == {1: "READY", 2: "READY", 9: "UNLOADING"}
        assert "does not end" in entry(replica, 9)["message"]
    assert patients.failures == [] and ready(replica) and replica.state()["triton"]["restarts"] == 0


def with_canary(plan: Json, path: Path) -> Json:
    """For what no manifest that was read says, the plan is the source."""
    try:
        return plan | {"canary": artifact(path)}
    except Exception:
        return plan | {"canary": {"version": 90, "uri": path.as_uri(), "digest": digest_of(path)}}


def index_ready(replica: Replica) -> list[int]:
    return [version for version, state in index(replica).items() if state == "READY"]
