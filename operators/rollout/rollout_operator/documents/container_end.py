"""How a container last ended, as the kubelet reports it: by its own doing, or killed by somebody."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

OUT_OF_MEMORY = "OOMKilled"
EXIT_CODE_OF_SIGNALS, SIGKILL, SIGTERM = 128, 9, 15


class ContainerEnd(StrEnum):
    """`KILLED`: by SIGKILL. `STOPPED`: by SIGTERM. `OTHER`: by itself, or out of memory. `UNKNOWN`: it never ended."""

    KILLED = "Killed"
    STOPPED = "Stopped"
    OTHER = "Other"
    UNKNOWN = ""


def read_end(terminated: Mapping[str, Any] | None) -> ContainerEnd:
    """From `terminated` of a container's state.

    A SIGKILL that the kernel did not send for want of memory came from outside, and so did SIGTERM, on which Triton
    ends in order, with 0. Either may be the kubelet's after a failed liveness probe, so for what the version does.
    A message says that the container ended itself: the guard of the Triton for CPUs writes one when a backend crashed.
    """
    if not terminated:
        return ContainerEnd.UNKNOWN
    code, signal = terminated.get("exitCode"), terminated.get("signal")
    if terminated.get("reason") == OUT_OF_MEMORY or terminated.get("message"):
        return ContainerEnd.OTHER
    if code == EXIT_CODE_OF_SIGNALS + SIGKILL or signal == SIGKILL:
        return ContainerEnd.KILLED
    is_stopped = code == EXIT_CODE_OF_SIGNALS + SIGTERM or signal == SIGTERM or (code == 0 and not signal)
    return ContainerEnd.STOPPED if is_stopped else ContainerEnd.OTHER
