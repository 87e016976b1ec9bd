"""What the trace of a request holds, which requests have one, and what nobody may read in it."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from inference_api.tracing.sampler import Sampler
from inference_api.tracing.trace import Span, Trace
from inference_api.tracing.tracer import Tracer
from medinfer_common.tracing.trace_context import traceparent

from tests.unit.api.prediction.test_clients import AT_CANARY, NAMED, SHADOWED, Scene

STAGES = ["receive", "choose", "decode", "attempt", "answer"]
PARENT = ("0af7651916cd43dd8448eb211c80319c", 0xB7AD6B7169203331)


class Sink:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.traces: list[Trace] = []

    def start(self) -> None: ...

    async def stop(self, timeout_seconds: float) -> None: ...

    def submit(self, trace: Trace) -> None:
        self.traces.append(trace)


class Traced(Scene):
    """The endpoint with a trace for `ratio` of its requests."""

    def __init__(self, ratio: float, **routes: Any) -> None:
        super().__init__(**routes)
        self.sink = Sink()
        tracer = Tracer(Sampler(ratio, 1000, lambda: 0.0, lambda: None), self.sink)
        self.predict = tracer.around(self.predict, "/predict")

    async def trace(self, more: Sequence[tuple[bytes, bytes]] = ()) -> Trace | None:
        """The trace of one request that was kept."""
        await self.ask(NAMED, more=more)
        return self.sink.traces[0] if self.sink.traces else None

    async def copies(self) -> list[Trace]:
        """Lets the canary be asked for the copy; all traces then."""
        consumer = asyncio.create_task(self.shadow.run())
        for _ in range(20):
            await asyncio.sleep(0)
        consumer.cancel()
        return self.sink.traces


def behave(scene: Scene, version: int, *behaviours: str) -> None:
    for replica in "ab":
        scene.triton.behave(replica, version, *behaviours)


def attempts(trace: Trace) -> list[tuple[object, ...]]:
    """Role, version and failure of each."""
    spans = [span for span in trace.spans if span.is_call]
    return [(span.attributes["medinfer.role"], span.attributes["medinfer.version"], span.error) for span in spans]


async def test_a_request_has_a_span_for_each_of_its_stages() -> None:
    scene = Traced(1.0, stable={"version": 1, "weight": 100}, canary=None)
    trace = await scene.trace()
    assert trace is not None
    assert [span.name for span in trace.spans] == STAGES
    starts = [span.started for span in trace.spans]
    assert starts == sorted(starts)
    assert all(trace.root.started <= span.started <= span.ended <= trace.root.ended for span in trace.spans)
    assert dict(trace.root.attributes) == {
        "medinfer.model": "resnet_medical",
        "medinfer.version": 1,
        "medinfer.digest": "sha256:" + "1" * 64,
        "medinfer.replica": scene.triton.asked[0].replica,
        "medinfer.role": "stable",
        "medinfer.client": "pacs",
        "http.request.method": "POST",
        "http.route": "/predict",
        "http.response.status_code": 200,
    }


@pytest.mark.parametrize(
    ("behaviours", "routes", "expected"),
    [
        pytest.param({}, AT_CANARY, [("canary", 2, "")], id="canary"),
        pytest.param(
            {2: "fail"}, AT_CANARY, [("canary", 2, "VersionFailed"), ("fallback", 1, "")], id="the canary fails"
        ),
        pytest.param(
            {2: "break"}, AT_CANARY, [("canary", 2, "ConnectionBroke"), ("fallback", 1, "")], id="the canary dies"
        ),
        pytest.param(
            {1: "nan", 2: "hang"},
            AT_CANARY,
            [("canary", 2, "VersionTimeout"), ("fallback", 1, "VersionFailed"), ("fallback", 1, "VersionFailed")],
            id="all fail",
        ),
    ],
)
async def test_attempts(behaviours: dict[int, str], routes: dict[str, Any], expected: list[tuple[object, ...]]) -> None:
    scene = Traced(1.0, **routes)
    for version, behaviour in behaviours.items():
        behave(scene, version, behaviour)
    trace = await scene.trace()
    assert trace is not None
    assert attempts(trace) == expected


@pytest.mark.parametrize(
    ("behaviours", "is_kept"),
    [
        pytest.param({}, False, id="answered"),
        pytest.param({2: "fail"}, True, id="fallback"),
        pytest.param({2: "break"}, True, id="lost"),
        pytest.param({1: "fail", 2: "fail"}, True, id="502"),
    ],
)
async def test_what_is_remarkable_is_kept_though_not_sampled(behaviours: dict[int, str], is_kept: bool) -> None:
    scene = Traced(0.0, **AT_CANARY)
    for version, behaviour in behaviours.items():
        behave(scene, version, behaviour)
    trace = await scene.trace()
    assert (trace is not None) is is_kept
    assert {asked.traceparent for asked in scene.triton.asked} == {b""}  # so Triton writes nothing


async def test_triton_hears_of_the_attempt_of_a_sampled_trace() -> None:
    scene = Traced(0.0)
    trace = await scene.trace([(b"traceparent", traceparent(*PARENT))])
    assert trace is not None and trace.parent is not None
    (attempt,) = (span for span in trace.spans if span.is_call)
    assert (trace.id, trace.parent.span_id) == PARENT
    assert scene.triton.asked[0].traceparent == traceparent(trace.id, attempt.id)


async def test_a_caller_who_does_not_sample_is_not_traced() -> None:
    scene = Traced(1.0)
    assert await scene.trace([(b"traceparent", traceparent(*PARENT)[:-1] + b"0")]) is None


async def test_a_copy_that_agrees_is_another_trace_with_a_link() -> None:
    scene = Traced(1.0, **SHADOWED)
    first = await scene.trace()
    of_request, of_copy = await scene.copies()
    assert (of_request, of_copy.linked) == (first, first)
    assert of_copy.id != of_request.id
    assert attempts(of_copy) == [("canary", 2, "")]
    assert [asked.traceparent[3:35].decode() for asked in scene.triton.asked] == [of_request.id, of_copy.id]


@pytest.mark.parametrize(
    ("behaviour", "names"),
    [
        pytest.param("good", [], id="agreed"),
        pytest.param("other", ["shadow", "POST /predict"], id="disagreed"),
        pytest.param("fail", ["shadow", "POST /predict"], id="failed"),
    ],
)
async def test_a_disagreement_is_kept_with_the_request(behaviour: str, names: list[str]) -> None:
    scene = Traced(0.0, **SHADOWED)
    behave(scene, 2, behaviour)
    await scene.ask(NAMED)
    traces = await scene.copies()
    assert scene.traffic.shadow["samples"] + scene.traffic.shadow["failed"] == 1
    assert sorted(trace.root.name for trace in traces) == sorted(names)


async def test_nothing_of_a_patient_is_in_a_trace() -> None:
    """The study, a file's name and a header's text are in the request, and in no span of it."""
    scene = Traced(1.0)
    secrets = [(b"x-study-id", b"1.2.840.99"), (b"x-request-id", b"john-doe"), (b"baggage", b"patient=doe")]
    trace = await scene.trace(secrets)
    assert trace is not None
    text = repr([(span.name, dict(span.attributes), span.error) for span in [trace.root, *trace.spans]])
    assert not any(value.decode() in text for _, value in secrets)
    assert "slice" not in text and "filename" not in text


async def test_log_lines_name_the_trace(caplog: pytest.LogCaptureFixture) -> None:
    scene = Traced(0.0, **AT_CANARY)
    behave(scene, 2, "fail")
    with caplog.at_level(logging.INFO):
        trace = await scene.trace()
    assert trace is not None
    lines = {record.getMessage().partition(":")[0]: getattr(record, "trace_id", None) for record in caplog.records}
    assert lines == {"version failed": trace.id, "request answered": trace.id}


def test_a_span_knows_the_class_of_what_went_wrong_and_nothing_else() -> None:
    trace = Trace(lambda _: None, "POST /predict", "1" * 32, is_sampled=True)
    with pytest.raises(ValueError, match="John Doe"), Span(trace, "decode", {}):
        raise ValueError("John Doe")
    assert [span.error for span in trace.spans] == ["ValueError"]


@pytest.mark.parametrize(
    ("ratio", "behaviours", "stands_for"),
    [
        pytest.param(1.0, {}, [2], id="sampled"),
        pytest.param(0.0, {}, [], id="not-sampled"),
        pytest.param(1.0, {2: "fail"}, [], id="a-fallback-is-no-latency-of-its-version"),
    ],
)
async def test_a_sampled_trace_stands_for_the_latency_of_its_version(
    ratio: float, behaviours: dict[int, str], stands_for: list[int]
) -> None:
    scene = Traced(ratio, **AT_CANARY)
    for version, behaviour in behaviours.items():
        behave(scene, version, behaviour)
    trace = await scene.trace()
    exemplars = scene.traffic.snapshot()["exemplars"]
    assert [int(version) for version in exemplars] == stands_for
    for buckets in exemplars.values():
        assert trace is not None
        assert [exemplar[0] for exemplar in buckets.values()] == [trace.id]
