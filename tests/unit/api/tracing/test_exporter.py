"""The thread that sends traces: what a collector gets of them, and what becomes of them while it is away."""

import http.server
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence

import pytest
from inference_api.tracing.spans import encode
from inference_api.tracing.trace import Span, Trace
from medinfer_common.tracing import exporter as module
from medinfer_common.tracing.exporter import MAX_WAITING, Exporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1 import trace_pb2

from ci.stack.waiting import until


class Collector(http.server.ThreadingHTTPServer):
    """Answers each request with `status`, and keeps its spans."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status, self.spans = 200, list[trace_pb2.Span]()
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        assert (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
        if self.server.status == 200:
            resources = ExportTraceServiceRequest.FromString(body).resource_spans
            self.server.spans += [span for one in resources for scope in one.scope_spans for span in scope.spans]
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def collector() -> Iterator[Collector]:
    server = Collector()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Scene:
    def __init__(self, endpoint: str) -> None:
        self.counted: Counter[str] = Counter()
        self.exporter = Exporter(endpoint, encode, self._note)

    def _note(self, result: str, traces: Sequence[Trace]) -> None:
        self.counted[result] += len(traces)

    def submit(self, times: int = 1) -> Trace:
        for _ in range(times):
            trace = Trace(self.exporter.submit, "POST /predict", "1" * 32, is_sampled=True)
            with Span(trace, "attempt", {"medinfer.version": 3, "medinfer.replica": "a"}, is_call=True):
                pass
            trace.end()
        return trace


@pytest.fixture
async def scene(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    scene = Scene(collector.url)
    scene.exporter.start()
    yield scene
    await scene.exporter.stop(5)


async def test_a_collector_gets_the_spans(collector: Collector, scene: Scene) -> None:
    trace = scene.submit()
    await until(lambda: scene.counted["sent"] == 1, "the trace is sent")
    root, attempt = collector.spans
    assert (root.name, root.kind, root.parent_span_id) == ("POST /predict", trace_pb2.Span.SPAN_KIND_SERVER, b"")
    assert (attempt.name, attempt.kind) == ("attempt", trace_pb2.Span.SPAN_KIND_CLIENT)
    assert {root.trace_id, attempt.trace_id} == {bytes.fromhex(trace.id)}
    assert attempt.parent_span_id == root.span_id != attempt.span_id
    assert root.start_time_unix_nano <= attempt.start_time_unix_nano <= attempt.end_time_unix_nano
    attributes = {one.key: one.value.int_value or one.value.string_value for one in attempt.attributes}
    assert attributes == {"medinfer.version": 3, "medinfer.replica": "a"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        pytest.param(415, trace_pb2.Status.STATUS_CODE_UNSET, id="the-clients-mistake"),
        pytest.param(503, trace_pb2.Status.STATUS_CODE_ERROR, id="our-fault"),
        pytest.param(None, trace_pb2.Status.STATUS_CODE_ERROR, id="no-answer"),
    ],
)
async def test_only_what_the_server_did_wrong_is_an_error_of_its_span(
    collector: Collector, scene: Scene, status: int | None, code: int
) -> None:
    """As OpenTelemetry's conventions for HTTP have it: else a client's bad files look like an outage."""
    trace = Trace(scene.exporter.submit, "POST /predict", "1" * 32, is_sampled=True)
    trace.root.error = "overloaded"
    trace.root.attributes = {} if status is None else {"http.response.status_code": status}
    trace.end()
    await until(lambda: scene.counted["sent"] == 1, "the trace is sent")
    (root,) = collector.spans
    assert root.status.code == code
    assert {one.key: one.value.string_value for one in root.attributes}["error.type"] == "overloaded"


async def test_a_copys_spans_name_the_request(collector: Collector, scene: Scene) -> None:
    request = Trace(scene.exporter.submit, "POST /predict", "1" * 32, is_sampled=True)
    request.of_copy().end()
    await until(lambda: scene.counted["sent"] == 1, "the trace is sent")
    (span,) = collector.spans
    (link,) = span.links
    assert (link.trace_id, int.from_bytes(link.span_id)) == (b"\x11" * 16, request.root.id)


@pytest.mark.parametrize(("status", "result"), [(400, "refused"), (413, "refused"), (503, None), (429, None)])
async def test_what_may_be_sent_again_waits(
    collector: Collector, scene: Scene, status: int, result: str | None
) -> None:
    collector.status = status
    scene.submit()
    if result:
        await until(lambda: scene.counted[result] == 1, "the trace is refused")
    collector.status = 200
    scene.submit()
    await until(lambda: scene.counted["sent"] == (1 if result else 2), "the others are sent")


async def test_while_the_collector_is_away_newer_traces_are_dropped(collector: Collector, scene: Scene) -> None:
    collector.status = 503
    scene.submit(MAX_WAITING + 200)
    assert scene.counted["dropped"] >= 100
    collector.status = 200
    await until(lambda: scene.counted.total() == MAX_WAITING + 200, "every trace is accounted for")
    assert scene.counted["sent"] >= MAX_WAITING


async def test_nothing_listens() -> None:
    scene = Scene("http://127.0.0.1:9")
    scene.exporter.start()
    scene.submit(3)
    await scene.exporter.stop(5)
    assert scene.counted == {"dropped": 3}
