"""Ends tritonserver and the stub that runs ONNX Runtime together: when one dies, so does the other.

Triton survives the death of a stub. A stub sees the death of Triton by itself, but not while it answers: it waits for
Triton to have read the answer, holding what its own watcher then needs to end it (python_backend, ~Stub), for ever.

Arguments: the process id of the stub's parent, and the files in /dev/shm that the stub shares with Triton: neither
removes them when it is killed. Standard input: a pipe that only the stub holds; it writes to it when it ends in an
orderly way. Standard output: one byte once the guard watches; the stub waits for it, since it may crash in the first
model it reads.
"""

import contextlib
import os
import select
import signal
import sys
from pathlib import Path

TERMINATION_MESSAGE = Path("/dev/termination-log")  # Kubernetes' default terminationMessagePath


def main(parent_pid: int, shared_memory: list[str]) -> None:
    stub, server = os.pidfd_open(os.getppid()), open_server(parent_pid)
    os.write(sys.stdout.fileno(), b"!")
    if server is not None and is_orderly_end(server):
        return
    end(stub, signal.SIGKILL)
    if server is not None:
        # The kernel keeps SIGKILL from process 1 of a container, which Triton is in a pod. It ends on SIGTERM, and the
        # message tells the operator that nobody else sent it.
        if parent_pid == 1:
            say_why(TERMINATION_MESSAGE)
        end(server, signal.SIGTERM if parent_pid == 1 else signal.SIGKILL)
    for path in shared_memory:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def open_server(pid: int) -> int | None:
    """None when Triton died before: the stub's parent is then whoever adopts orphans, and not ours to kill."""
    with contextlib.suppress(OSError):
        server = os.pidfd_open(pid)
        if Path(f"/proc/{pid}/comm").read_text() == "tritonserver\n":
            return server
    return None


def say_why(path: Path) -> None:
    """Where there is a kubelet it made this file, which becomes `message` in the container's `terminated`."""
    with contextlib.suppress(OSError), path.open("r+") as file:
        file.write("a backend process crashed, so tritonserver was ended")


def end(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(process, number)


def is_orderly_end(server: int) -> bool:
    """Waits until Triton or the stub ends; whether the stub did, and had said that it is done."""
    ended, _, _ = select.select([server, sys.stdin], [], [])
    return server not in ended and bool(sys.stdin.buffer.read())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
