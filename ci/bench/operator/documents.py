"""The plans and routes of a namespace, as one watch reports them, and the line of the journal for each. Pure."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

Json = dict[str, Any]

KEYS = ("plan.json", "routes.json")


@dataclass(frozen=True)
class Entry:
    """A plan or routes as the simulator saw them, and when.

    `canary`, `canary_replicas`: a plan's canary and how many replicas may load it. `weight`, `step`: of routes.
    """

    time: float
    name: str
    canary: int = 0
    canary_replicas: int = 0
    stable: int = 0
    weight: int = 0
    step: str = ""


def entry(time: float, name: str, document: Json) -> Entry:
    canary, is_plan = document.get("canary") or {}, "step" not in document
    return Entry(
        time,
        name,
        canary.get("version", 0) if is_plan else 0,
        len(canary.get("replicas") or ()),
        document["stable"]["version"] if document.get("stable") else 0,
        canary.get("weight", 0),
        document.get("step", ""),
    )


def to_line(one: Entry) -> str:
    return json.dumps(asdict(one))


def read_journal(text: str) -> list[Entry]:
    """Lines that are no entry, a stack trace for example, are left out."""
    return [Entry(**json.loads(line)) for line in text.splitlines() if line.startswith('{"time"')]


def documents_in(event: Json) -> Iterator[tuple[str, Json]]:
    """(ConfigMap, document) of an event of the watch; nothing when it is empty or deleted."""
    body = event["object"]
    for key in KEYS if event["type"] in ("ADDED", "MODIFIED") else ():
        if content := (body.get("data") or {}).get(key):
            yield body["metadata"]["name"], json.loads(content)


class Lines:
    """Whole lines out of a stream that is cut anywhere."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [line for line in lines if line]
