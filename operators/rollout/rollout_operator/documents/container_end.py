"""How a container last ended, as the kubelet reports it: by its own doing, or killed by somebody."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

OUT_OF_MEMORY = "OOMKilled"
SIGKILL_EXIT_CODE = 128 + 9


class ContainerEnd(StrEnum):
    """`OTHER`: it ended by its own doing, or out of memory, or nobody can tell. `UNKNOWN`: it never ended."""

    KILLED = "Killed"
    OTHER = "Other"
    UNKNOWN = ""


def read_end(terminated: Mapping[str, Any] | None) -> ContainerEnd:
    """From `terminated` of a container's state.

    A SIGKILL that the kernel did not send for want of memory came from outside. SIGTERM in a pod that stays may come
    from a failed liveness probe, so from what the version does.
    """
    if not terminated:
        return ContainerEnd.UNKNOWN
    is_killed = terminated.get("exitCode") == SIGKILL_EXIT_CODE or terminated.get("signal") == SIGKILL_EXIT_CODE - 128
    return ContainerEnd.KILLED if is_killed and terminated.get("reason") != OUT_OF_MEMORY else ContainerEnd.OTHER
