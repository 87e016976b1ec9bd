"""What helm prints after an install, and what a person reads there about a pod that does not start."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from tests.harness.chart import helm

PENDING = "a pod is Pending"
COMMAND = re.compile(r"kubectl [^;\n]*")


def render(*files: Path, settings: Sequence[str] = (), namespace: str = "default") -> str:
    how = ("--dry-run=client", "--output", "json", "--namespace", namespace)
    printed = helm.run("install", "medinfer", str(helm.CHART), *how, *helm.options(files, settings))
    notes: str = json.loads(printed)["info"]["notes"]
    return notes


def find_events(notes: str, cause: str = PENDING) -> str:
    """The command that shows why a pod does not come; `cause` is what is seen of it."""
    line = re.search(rf"^  {cause} +(kubectl .*)$", notes, re.MULTILINE)
    assert line, f"the notes do not say how to see why {cause}"
    return line[1]


def explain(notes: str, event: str, cause: str = PENDING) -> str:
    """What is said below that line on this event: each paragraph begins with words of the events that it is about."""
    block = re.search(rf"^  {cause} .*\n((?:    .*\n)+)", notes, re.MULTILINE)
    paragraphs = re.split(r'^    (?=")', block[1] if block else "", flags=re.MULTILINE)[1:]
    return "".join(one for one in paragraphs if any(words in event for words in quoted(one)))


def commands(text: str) -> list[str]:
    return COMMAND.findall(text)


def quoted(paragraph: str) -> list[str]:
    return re.findall(r'"([^"]+)"', paragraph.partition('":')[0] + '"')
