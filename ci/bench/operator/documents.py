"""The plans and routes of a namespace, as one watch tells them, and the line of the journal that each leaves. Pure."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

Json = dict[str, Any]

KEYS = ("plan.json", "routes.json")


@dataclass(frozen=True)
class Entry:
    """What the simulator saw, and when. `candidates`: replicas that may load the candidate; of routes the rest."""

    time: float
    name: str
    candidate: int = 0
    candidates: int = 0
    stable: int = 0
    weight: int = 0
    step: str = ""


def entry(time: float, name: str, document: Json) -> Entry:
    candidate, canary = document.get("candidate") or {}, document.get("canary") or {}
    return Entry(
        time,
        name,
        candidate.get("version", 0),
        len(candidate.get("replicas") or ()),
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
