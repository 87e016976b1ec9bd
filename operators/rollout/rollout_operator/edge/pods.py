"""Pods as the API server describes them, reduced to what a rollout must know. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rollout_operator.documents.codec import parse_time
from rollout_operator.documents.container_end import ContainerEnd, read_end

ENDED = frozenset({"Succeeded", "Failed"})
TRITON_CONTAINER = "triton"


@dataclass(frozen=True)
class PodRecord:
    """`ip`: empty before the pod's network is there. `container`: id of the running Triton container, or empty.

    `triton_end`: how the last one ended.
    """

    namespace: str
    name: str
    uid: str
    labels: tuple[tuple[str, str], ...]
    ip: str = ""
    ended: bool = False
    terminating: bool = False
    not_ready_since: float | None = None
    container: str = ""
    triton_end: ContainerEnd = ContainerEnd.UNKNOWN

    @property
    def instance(self) -> str:
        """What the words of its agent were about: another pod or another container holds nothing of it."""
        return f"{self.uid}/{self.container}" if self.container else ""

    def matches(self, selector: Mapping[str, str]) -> bool:
        """It has every label of `selector`."""
        return selector.items() <= dict(self.labels).items()


def read_pod(body: Mapping[str, Any]) -> PodRecord:
    """From a v1 Pod as the API server gives it."""
    metadata, status = body["metadata"], body.get("status") or {}
    containers = status.get("containerStatuses") or ()
    triton: Mapping[str, Any] = next((one for one in containers if one.get("name") == TRITON_CONTAINER), {})
    return PodRecord(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        uid=metadata.get("uid", ""),
        labels=tuple(sorted((metadata.get("labels") or {}).items())),
        ip=status.get("podIP") or "",
        ended=status.get("phase") in ENDED,
        terminating=metadata.get("deletionTimestamp") is not None,
        not_ready_since=_not_ready_since(status.get("conditions") or (), metadata.get("creationTimestamp")),
        container=_container_id(triton),
        triton_end=_triton_end(triton),
    )


def _not_ready_since(conditions: Iterable[Mapping[str, Any]], created: object) -> float | None:
    ready = next((one for one in conditions if one.get("type") == "Ready"), {})
    if ready.get("status") == "True":
        return None
    since = parse_time(ready.get("lastTransitionTime") or created)
    return float(since) if isinstance(since, int) else 0.0


def _triton_end(triton: Mapping[str, Any]) -> ContainerEnd:
    """Of the container itself if it ended, else of the one before."""
    states = (triton.get("state") or {}, triton.get("lastState") or {})
    return read_end(next((one["terminated"] for one in states if one.get("terminated")), None))


def _container_id(triton: Mapping[str, Any]) -> str:
    """Only of a container that runs: what is about to start holds nothing."""
    return (triton.get("containerID") or "") if "running" in (triton.get("state") or {}) else ""
