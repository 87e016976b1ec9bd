"""What helm tells after an install, and what a person reads there about a pod that is Pending."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from tests.harness import helm

COMMAND = re.compile(r"kubectl [^;\n]*")


def render(*files: Path, settings: Sequence[str] = (), namespace: str = "default") -> str:
    how = ("--dry-run=client", "--output", "json", "--namespace", namespace)
    told = helm.run("install", "medinfer", str(helm.CHART), *how, *helm.options(files, settings))
    notes: str = json.loads(told)["info"]["notes"]
    return notes


def find_events(notes: str) -> str:
    """The command that shows why a pod is Pending."""
    line = re.search(r"^  a pod is Pending +(kubectl .*)$", notes, re.MULTILINE)
    assert line, "the notes do not say how to see why a pod is Pending"
    return line[1]


def explain(notes: str, event: str) -> str:
    """What is said below that line on this event: each paragraph begins with words of the events that it is about."""
    block = re.search(r"^  a pod is Pending .*\n((?:    .*\n)+)", notes, re.MULTILINE)
    paragraphs = re.split(r'^    (?=")', block[1] if block else "", flags=re.MULTILINE)[1:]
    return "".join(one for one in paragraphs if any(words in event for words in quoted(one)))


def commands(text: str) -> list[str]:
    return COMMAND.findall(text)


def quoted(paragraph: str) -> list[str]:
    return re.findall(r'"([^"]+)"', paragraph.partition('":')[0] + '"')
