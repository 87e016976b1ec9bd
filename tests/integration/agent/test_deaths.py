"""Triton, the agent, or both die at the worst moment."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
import tritonclient.grpc as grpcclient
from replica_agent.settings import Settings

from ci.stack.documents import build_plan
from ci.stack.http import client
from ci.stack.processes import Process
from ci.stack.replica import Replica
from ci.stack.sidecar import triton_command
from ci.stack.waiting import wait_until
from tests.harness.hostile.repack import repack, take_apart
from tests.integration.agent.conftest import Bundle, StartReplica
from tests.integration.agent.observe import WARM_SECONDS, entry, holders, index, lives, ready, restarts, stubs, wait_for
from tests.integration.agent.patients import Patients

pytestmark = pytest.mark.integration

SLOW = 4
AT_A_TIME = 16


def test_a_killed_triton_comes_back_with_the_same_versions_proved_again(replica: Replica, bundle: Bundle) -> None:
    replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
    wait_for(replica, 2, "Warm")
    before = stubs(replica, 1)
    replica.kill_triton()
    wait_until(lambda: restarts(replica) == 1, "Triton is back", WARM_SECONDS)
    wait_for(replica, 1, "Warm")
    wait_for(replica, 2, "Warm")
    assert ready(replica)
    assert stubs(replica, 1).isdisjoint(before)
    wait_until(lambda: not any(map(lives, before)), "the backend processes of the dead Triton are gone")


def test_files_that_changed_on_disk_are_unpacked_again(replica: Replica, bundle: Bundle) -> None:
    """Regression guard: what was loaded after a restart was hashed when it was unpacked, and never again."""
    model = replica.folder / "data/repository/resnet_medical/1/model.onnx"
    packed = model.read_bytes()
    model.write_bytes(take_apart(bundle(2)).onnx)
    replica.kill_triton()
    wait_until(lambda: restarts(replica) == 1, "Triton is back", WARM_SECONDS)
    assert "changed on disk" in wait_for(replica, 1, "Failed")["message"]
    wait_for(replica, 1, "Warm")
    assert model.read_bytes() == packed


@pytest.mark.parametrize("when", ["load", "warm-up"])
def test_what_kills_triton_is_not_tried_again(replica: Replica, bundle: Bundle, when: str, tmp_path: Path) -> None:
    in_warmup = repack(bundle(7), tmp_path / "kills", golden=take_apart(bundle(14)).golden)
    bad = bundle(3) if when == "load" else in_warmup
    version = 3 if when == "load" else 7
    replica.follow(build_plan(stable=bundle(1), canary=bad))
    if when == "load":
        kill_while_it_loads(replica, version)
        wait_until(lambda: restarts(replica) == 1, "Triton is back", WARM_SECONDS)
        kill_while_it_loads(replica, version)
    failed = wait_for(replica, version, "Failed")
    assert failed["reason"] == "TritonDied" and f"version {version}" in failed["message"]
    assert restarts(replica) == 2, "it was tried twice"
    wait_for(replica, 1, "Warm")
    restart(replica)
    wait_for(replica, 1, "Warm")
    assert entry(replica, version)["reason"] == "TritonDied", "it was tried again after a restart"
    assert replica.state()["triton"]["restarts"] == 0
    replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
    wait_for(replica, 2, "Warm")
    assert replica.state()["triton"]["restarts"] == 0


def test_one_kill_while_a_version_loads_is_not_held_against_it(replica: Replica, bundle: Bundle) -> None:
    replica.follow(build_plan(stable=bundle(1), canary=bundle(3)))
    kill_while_it_loads(replica, 3)
    wait_until(lambda: entry(replica, 3).get("deaths") == 1, "the agent counted it", WARM_SECONDS)
    wait_for(replica, 3, "Warm")
    assert entry(replica, 3)["deaths"] == 0 and ready(replica)


def test_agent_and_triton_killed_together_while_a_canary_loads(replica: Replica, bundle: Bundle) -> None:
    """A canary may exhaust the memory of the whole pod. Then only the attempt on disk is left."""
    replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
    for _ in range(2):
        wait_for(replica, 2, "Warming")
        replica.kill()
        wait_until(lambda: not listening(replica), "Triton died with its agent")
        replica.start()
    failed = wait_for(replica, 2, "Failed")
    assert failed["reason"] == "TritonDied"
    wait_for(replica, 1, "Warm")
    replica.follow(build_plan(stable=bundle(1)))
    wait_for(replica, 2, "")
    replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
    wait_for(replica, 2, "Warm")


def test_a_triton_killed_while_it_answers_leaves_nothing(make_replica: StartReplica, bundle: Bundle) -> None:
    """Regression guard: a backend process that then answered waited for Triton for an hour, with its memory."""
    replica = make_replica()
    replica.follow(build_plan(stable=bundle(SLOW)))
    replica.start()
    replica.wait_until_warm()
    left = backends(replica)
    memory = {path for process in left for path in shared_memory(process)}
    assert len(memory) == len(stubs(replica, SLOW))
    with in_flight(replica, SLOW):
        replica.kill()
        wait_until(lambda: not any(lives(process.pid) for process in left), "no process is left")
    wait_until(lambda: not [path for path in memory if Path(path).exists()], "nor its shared memory")


def test_an_orderly_stop_is_not_held_against_the_canary(replica: Replica, bundle: Bundle) -> None:
    replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
    wait_for(replica, 2, "Warming")
    triton = replica.triton_pid()
    replica.stop(60)
    assert triton and not lives(triton)
    replica.start()
    wait_for(replica, 2, "Warm")


def test_without_its_plan_and_its_store_a_restarted_agent_holds_what_it_held(
    make_replica: StartReplica, bundle: Bundle, tmp_path: Path
) -> None:
    replica = make_replica()
    store = tmp_path / "store" / "resnet_medical-1.tar"
    store.parent.mkdir()
    store.write_bytes(bundle(1).read_bytes())
    replica.follow(build_plan(stable=store))
    replica.start()
    replica.wait_until_warm()
    applied = replica.state()["id"]
    replica.stop()
    store.unlink()
    replica.plan_file.unlink()
    replica.start()
    replica.wait_until_warm()
    assert replica.state()["id"] == applied and "there is no plan" in replica.state()["rejected"]["reason"]


def test_beside_a_triton_that_lives_on_the_agent_vouches_for_what_was_proved_and_reloads_nothing(
    make_replica: StartReplica, bundle: Bundle
) -> None:
    """As in a pod, where Triton has a container of its own."""
    replica = make_replica(TRITON_COMMAND="")
    settings = Settings(plan_file=replica.plan_file, data_dir=replica.folder, triton_address=replica.address)
    command = triton_command(settings, replica.folder / "data" / "repository")
    replica.follow(build_plan(stable=bundle(1)))
    replica.start()
    wait_until(lambda: (replica.folder / "data" / "repository").is_dir(), "the agent made the model repository")
    with Process("triton", command, {}, replica.folder / "triton.log") as triton:
        replica.wait_until_warm()
        before, proof = holders(triton.pid, 1), entry(replica, 1)["warmup"]
        with Patients(replica, bundle(1)) as patients:
            os.kill(replica.pid, signal.SIGKILL)
            replica.wait(5)
            replica.start()
            replica.wait_until_warm()
        assert patients.failures == []
        assert before and holders(triton.pid, 1) == before, "version 1 was reloaded"
        assert entry(replica, 1)["warmup"] == proof, "it was proved again, and served nobody new meanwhile"
        replica.follow(build_plan(stable=bundle(1), canary=bundle(2)))
        wait_for(replica, 2, "Warm")
        assert index(replica) == {1: "READY", 2: "READY"}
        assert holders(triton.pid, 1) == before, "version 1 was reloaded for version 2"
        proofs = [entry(replica, version)["warmup"] for version in (1, 2)]
        os.kill(replica.pid, signal.SIGKILL)
        replica.wait(5)
        replica.start()
        replica.wait_until_warm()
        assert [entry(replica, version)["warmup"] for version in (1, 2)] == proofs
        warm = time.monotonic()
        wait_until(lambda: time.monotonic() > warm + 3, "the agent asked for Triton's health, which it does not say")
        triton.signal(signal.SIGTERM)
        wait_until(lambda: not ready(replica), "the agent sees that it closed")
        wait_until(lambda: replica.state()["triton"]["endedAnswering"], "and that it answered until then", 60)


def kill_while_it_loads(replica: Replica, version: int) -> None:
    wait_until(lambda: index(replica).get(version) == "LOADING", "it is being loaded", WARM_SECONDS, poll_seconds=0.01)
    replica.kill_triton()


def restart(replica: Replica) -> None:
    replica.stop()
    replica.start()


def listening(replica: Replica) -> bool:
    try:
        return client.get(f"{replica.url}/v2/health/live", timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def backends(replica: Replica) -> list[psutil.Process]:
    """Every process that Triton and its backends started."""
    return psutil.Process(replica.triton_pid()).children(recursive=True)


def shared_memory(process: psutil.Process) -> set[str]:
    """Files in /dev/shm that a process has mapped."""
    return {entry.path for entry in process.memory_maps() if entry.path.startswith("/dev/shm/")}


@contextmanager
def in_flight(replica: Replica, version: int) -> Iterator[None]:
    """With requests that Triton has not answered yet. Their answers do not matter."""
    tensor = grpcclient.InferInput("input", [1, 3, 224, 224], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 3, 224, 224), np.float32))
    with grpcclient.InferenceServerClient(f"{replica.address}:8001") as client:
        for _ in range(AT_A_TIME):
            client.async_infer("resnet_medical", [tensor], lambda result, error: None, str(version))
        yield
