"""Kills tritonserver when the stub that runs ONNX Runtime dies without having said that it is done.

Argument: the process id of tritonserver. Standard input: a pipe that only the stub holds. Standard output: one byte
once the guard watches; the stub waits for it, since it may crash in the first model it reads.
"""

import contextlib
import os
import signal
import sys


def main(server_pid: int) -> None:
    server = os.pidfd_open(server_pid)
    os.write(sys.stdout.fileno(), b"!")
    if sys.stdin.buffer.read():
        return
    with contextlib.suppress(ProcessLookupError):
        signal.pidfd_send_signal(server, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
