"""The server id of a process of Triton, its option `--id`: another random one at each start.

A process that was started without one, or with one that somebody chose, cannot be told from the one before it.
"""

import re
import uuid

_PATTERN = re.compile(r"medinfer-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def new_server_id() -> str:
    """What the chart's and compose.yaml's commands make from /proc/sys/kernel/random/uuid."""
    return f"medinfer-{uuid.uuid4()}"


def unique_server_id(name: str) -> str:
    """The name that Triton's metadata says, if it is such an id, else an empty string."""
    return name if _PATTERN.fullmatch(name) else ""
