"""Ends tritonserver and the stub that runs ONNX Runtime together: when one dies, so does the other.

Triton survives the death of a stub. A stub sees the death of Triton by itself, but not while it answers: it waits for
Triton to have read the answer, holding what its own watcher then needs to end it (python_backend, ~Stub), for ever.

Arguments: the process id of tritonserver, and the files in /dev/shm that the stub shares with it, which neither removes
when it is killed. Standard input: a pipe that only the stub holds; it writes to it when it ends in an orderly way.
Standard output: one byte once the guard watches; the stub waits for it, since it may crash in the first model it reads.
"""

import contextlib
import os
import select
import signal
import sys


def main(server_pid: int, shared_memory: list[str]) -> None:
    server, stub = os.pidfd_open(server_pid), os.pidfd_open(os.getppid())
    os.write(sys.stdout.fileno(), b"!")
    ended, _, _ = select.select([server, sys.stdin], [], [])
    if server not in ended and sys.stdin.buffer.read():
        return
    for process in (server, stub):
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
    for path in shared_memory:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
