"""What the simulator sees of plans and routes, and what its journal keeps."""

import json
from typing import Any

import pytest

from ci.bench.operator.addresses import Part
from ci.bench.operator.documents import Entry, Lines, documents_in, entry, read_journal, to_line


def event(type: str = "MODIFIED", **data: str) -> dict[str, Any]:
    return {"type": type, "object": {"metadata": {"name": "triton-0-plan"}, "data": data}}


@pytest.mark.parametrize(
    ("seen", "documents"),
    [
        pytest.param(event(**{"plan.json": '{"revision": 1}'}), [("triton-0-plan", {"revision": 1})], id="a-plan"),
        pytest.param(event("ADDED", **{"routes.json": "{}"}), [("triton-0-plan", {})], id="routes-at-the-start"),
        pytest.param(event(), [], id="without-data"),
        pytest.param(event(**{"other.json": "{}"}), [], id="of-another"),
        pytest.param(event("DELETED", **{"plan.json": "{}"}), [], id="deleted"),
        pytest.param(event("BOOKMARK", **{"plan.json": "{}"}), [], id="a-bookmark"),
    ],
)
def test_documents_of_an_event(seen: dict[str, Any], documents: list[Any]) -> None:
    assert list(documents_in(seen)) == documents


@pytest.mark.parametrize(
    ("document", "found"),
    [
        pytest.param(
            {"stable": {"version": 1}, "canary": {"version": 2, "replicas": ["a", "b"]}},
            Entry(3.0, "x", canary=2, canary_replicas=2, stable=1),
            id="a-plan",
        ),
        pytest.param({"canary": {"version": 1}}, Entry(3.0, "x", canary=1), id="a-first-install"),
        pytest.param(
            {"stable": {"version": 1, "weight": 95}, "canary": {"version": 2, "weight": 5}, "step": "s"},
            Entry(3.0, "x", stable=1, weight=5, step="s"),
            id="routes",
        ),
    ],
)
def test_an_entry_of_the_journal(document: dict[str, Any], found: Entry) -> None:
    assert entry(3.0, "x", document) == found
    assert read_journal(f"Traceback\n{to_line(found)}\n  File x\n") == [found]


def test_lines_may_be_cut_anywhere() -> None:
    lines = Lines()
    assert [lines.feed(part) for part in (b'{"a"', b": 1}\n\n[", b"]\n")] == [[], [b'{"a": 1}'], [b"[]"]]
    assert json.loads(b"[]") == []


def test_every_pod_of_a_namespace_has_its_own_address() -> None:
    parts = [Part(number, 2, 1) for number in range(1000)]
    addresses = [ip for part in parts for ip in (*part.agents.values(), *part.apis.values())]
    assert len(set(addresses)) == 3000
    assert parts[1].agents == {"triton-1-0": "127.100.0.3", "triton-1-1": "127.100.0.4"}
