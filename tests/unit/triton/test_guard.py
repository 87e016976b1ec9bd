"""The guard of the CPU Triton's ONNX Runtime: beside a stub that hangs, and a Triton that only sleeps."""

import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.stack.processes import ROOT
from tests.harness.waiting import wait_until

GUARD = ROOT / "services" / "triton" / "backends" / "onnxruntime" / "guard.py"
STUB = """
import subprocess, sys
guard = subprocess.Popen([sys.executable, "-IS", *sys.argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
guard.stdout.read(1)
print(guard.pid, flush=True)
sys.stdin.read()
guard.stdin.write(b"done")
guard.stdin.close()
guard.wait()
"""


@dataclass(frozen=True)
class Guarded:
    """`guard`: readable once it ended; closing the stub's standard input makes the stub end in an orderly way."""

    server: "subprocess.Popen[bytes]"
    stub: "subprocess.Popen[bytes]"
    guard: int
    shared_memory: Path


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Guarded]:
    memory = tmp_path / "shm_region"
    memory.touch()
    with subprocess.Popen(["sleep", "infinity"]) as server:
        command = [sys.executable, "-c", STUB, str(GUARD), str(server.pid), str(memory)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as stub:
            assert stub.stdout is not None
            guard = os.pidfd_open(int(stub.stdout.readline()))
            yield Guarded(server, stub, guard, memory)
            os.close(guard)
            stub.kill()
        server.kill()


def unload(one: Guarded) -> None:
    assert one.stub.stdin is not None
    one.stub.stdin.close()


@pytest.mark.parametrize(
    ("event", "server", "stub", "memory_stays"),
    [
        # Seen: an hour after a Triton under load was killed, stub and guard were there, each waiting for the other.
        pytest.param(lambda one: one.server.kill(), -9, -9, False, id="Triton is killed"),
        pytest.param(lambda one: one.stub.kill(), -9, -9, False, id="ONNX Runtime crashes"),
        pytest.param(unload, None, 0, True, id="the version is unloaded"),
    ],
)
def test_who_is_left(
    guarded: Guarded, event: Callable[[Guarded], None], server: int | None, stub: int, memory_stays: bool
) -> None:
    event(guarded)
    wait_until(lambda: select.select([guarded.guard], [], [], 0)[0], "the guard ended", 10)
    assert guarded.stub.wait(10) == stub
    assert (guarded.server.poll() if server is None else guarded.server.wait(10)) == server
    assert guarded.shared_memory.exists() == memory_stays
