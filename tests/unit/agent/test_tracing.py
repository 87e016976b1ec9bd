"""Which of the agent's work has a span, and what it says."""

import json
from typing import Any

import pytest
from medinfer_common.tracing.trace_context import Parent
from replica_agent.plan import InvalidPlan, Plan, parse_plan
from replica_agent.state import Reason, VersionFailed
from replica_agent.tracing import UNTRACED, Said, Tracer

from tests.unit.agent.plans import document

TRACE, ROOT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{ROOT}-01"


class Sink:
    def __init__(self) -> None:
        self.spans: list[tuple[Parent, str, Said, str]] = []

    def submit(self, parent: Parent, name: str, started_ns: int, ended_ns: int, said: Said, error: str) -> None:
        assert 0 < started_ns <= ended_ns
        self.spans.append((parent, name, said, error))


def plan(**changes: Any) -> Plan:
    return parse_plan(json.dumps(document(stable=1, canary=2, **changes)).encode())


@pytest.mark.parametrize(
    ("trace", "version", "spans"),
    [
        pytest.param({"version": 2, "traceparent": TRACEPARENT}, 2, 1, id="the released version"),
        pytest.param({"version": 2, "traceparent": TRACEPARENT}, 1, 0, id="another version"),
        pytest.param(None, 2, 0, id="no trace"),
    ],
)
def test_which_work_has_a_span(trace: dict[str, Any] | None, version: int, spans: int) -> None:
    sink, read = Sink(), plan(trace=trace)
    with Tracer(sink, "triton-0").of(read, read.releases[version - 1]).span("load"):
        pass
    assert len(sink.spans) == spans


def test_what_a_span_says() -> None:
    sink, read = Sink(), plan(trace={"version": 2, "traceparent": TRACEPARENT})
    with Tracer(sink, "triton-0").of(read, read.releases[1]).span("fetch") as said:
        said["medinfer.bytes"] = 7
    ((parent, name, attributes, error),) = sink.spans
    assert (parent.trace_id, parent.span_id, name, error) == (TRACE, int(ROOT, 16), "fetch", "")
    assert attributes == {
        "medinfer.replica": "triton-0",
        "medinfer.model": "resnet_medical",
        "medinfer.version": 2,
        "medinfer.digest": read.releases[1].digest,
        "medinfer.bytes": 7,
    }


@pytest.mark.parametrize(
    ("raised", "error"),
    [
        pytest.param(VersionFailed(Reason.GOLDEN_MISMATCH, "s3://user:secret@store"), "GoldenMismatch", id="reason"),
        pytest.param(OSError("/a/file"), "OSError", id="class"),
    ],
)
def test_a_failure_is_named_without_its_message(raised: Exception, error: str) -> None:
    sink, read = Sink(), plan(trace={"version": 2, "traceparent": TRACEPARENT})
    with pytest.raises(type(raised)), Tracer(sink, "triton-0").of(read, read.releases[1]).span("golden"):
        raise raised
    assert sink.spans[0][3] == error and str(raised) not in repr(sink.spans)


def test_off() -> None:
    read = plan(trace={"version": 2, "traceparent": TRACEPARENT})
    trace = Tracer(None, "triton-0").of(read, read.releases[1])
    with trace.span("load") as said:
        said["medinfer.bytes"] = 1
    assert trace is UNTRACED


@pytest.mark.parametrize("value", ["", "00-00-00-01", "John Doe", TRACEPARENT.upper()])
def test_a_plan_with_a_bad_traceparent_is_refused(value: str) -> None:
    with pytest.raises(InvalidPlan, match=r"trace\.traceparent: write a traceparent as W3C has it"):
        plan(trace={"version": 2, "traceparent": value})
