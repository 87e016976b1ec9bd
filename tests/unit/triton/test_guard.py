"""The guard of the CPU Triton's ONNX Runtime, with a stub that hangs and a Triton that only sleeps."""

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ci.stack.folders import ROOT
from ci.stack.waiting import wait_until

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

# Puts the file that is $0 where a container writes why it ended, and becomes the command that follows.
KUBELET = """
mount -t tmpfs none /dev && touch /dev/termination-log && mount --bind "$0" /dev/termination-log && exec "$@"
"""

# As process 1 of a container, it loses its stub at once; ends with 7 on SIGTERM.
CONTAINER = """
import pathlib, signal, subprocess, sys
pathlib.Path("/proc/self/comm").write_text("tritonserver")
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
stub = subprocess.Popen([sys.executable, "-c", *sys.argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
stub.stdout.readline()
stub.kill()
signal.pause()
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
    memory, triton = tmp_path / "shm_region", tmp_path / "tritonserver"
    memory.touch()
    shutil.copy(shutil.which("sleep") or "", triton)
    with subprocess.Popen([str(triton), "infinity"]) as server:
        with start_stub(server, memory) as stub:
            assert stub.stdout is not None
            guard = os.pidfd_open(int(stub.stdout.readline()))
            yield Guarded(server, stub, guard, memory)
            os.close(guard)
            stub.kill()
        server.kill()


def start_stub(parent: "subprocess.Popen[bytes]", memory: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", STUB, str(GUARD), str(parent.pid), str(memory)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


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


@pytest.fixture
def adopter() -> "Iterator[subprocess.Popen[bytes]]":
    """Whom a stub sees as its parent when Triton was killed while the stub started, such as a service manager."""
    with subprocess.Popen(["sleep", "infinity"]) as process:
        yield process
        process.kill()


def test_who_adopted_a_stub_is_not_killed_with_it(adopter: "subprocess.Popen[bytes]", tmp_path: Path) -> None:
    memory = tmp_path / "shm_region"
    memory.touch()
    with start_stub(adopter, memory) as stub:
        try:
            assert stub.wait(10) == -9, "it lives on without Triton"
        finally:
            stub.kill()
    wait_until(lambda: not memory.exists(), "its memory is free", 10)
    assert adopter.poll() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="a process id namespace is root's to make")
def test_in_a_container_a_crash_ends_triton_too(tmp_path: Path) -> None:
    """There the kernel ignores a SIGKILL to it: Triton went on, ready, with a stub less.

    The message is what tells its end from a SIGTERM that somebody else sent.
    """
    message = tmp_path / "message"
    message.touch()
    container = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", KUBELET, str(message)]
    started = [*container, sys.executable, "-c", CONTAINER, STUB, str(GUARD), "1", str(tmp_path / "shm_region")]
    done = subprocess.run(started, timeout=30, check=False)
    assert done.returncode == 7
    assert message.read_text() == "a backend process crashed, so tritonserver was ended"
