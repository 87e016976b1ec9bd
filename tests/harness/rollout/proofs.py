"""Who answered requests, and since when it was proved: read from the logs of API and agents once all is over."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ci.stack.logs import entries
from tests.harness.rollout.rollouts import RolloutStack


@dataclass(frozen=True)
class Answered:
    """One request, by the API's log."""

    at: datetime
    replica: str
    version: int


def unproved(stack: RolloutStack) -> tuple[int, list[Answered]]:
    """How many requests were answered in all, and those by a version that was not proved in that life of Triton."""
    answered = [one for api in stack.apis.values() for one in _answered(api.log)]
    spans = {name: _spans(pod.agent.log) for name, pod in stack.tritons.items()}
    return len(answered), [one for one in answered if not _is_within(one, spans[one.replica].get(one.version, []))]


def answered_by(stack: RolloutStack, replica: str) -> int:
    """How many requests this replica answered."""
    return sum(one.replica == replica for api in stack.apis.values() for one in _answered(api.log))


def _answered(log: Path) -> Iterator[Answered]:
    for line in entries(log):
        if line["message"] == "request answered":
            yield Answered(datetime.fromisoformat(line["time"]).astimezone(), line["replica"], line["version"])


def _spans(log: Path) -> dict[int, list[tuple[datetime, datetime | None]]]:
    """By version: from its proof to the next time that it was loaded; None: it was not.

    An agent that restarts next to a running Triton proves the same versions again: the earlier proofs still hold.
    """
    spans: dict[int, list[tuple[datetime, datetime | None]]] = {}
    for line in entries(log):
        if line["message"] not in ("load", "version"):
            continue
        at, known = datetime.fromisoformat(line["time"]), spans.setdefault(line["version"], [])
        is_proved = bool(known) and known[-1][1] is None
        if line.get("state") == "Warm" and not is_proved:
            known.append((at, None))
        elif line["message"] == "load" and is_proved:
            known[-1] = (known[-1][0], at)
    return spans


def _is_within(one: Answered, spans: list[tuple[datetime, datetime | None]]) -> bool:
    return any(start <= one.at and (end is None or one.at <= end) for start, end in spans)
