"""One request is one trace in a real collector: the API's spans and Triton's own, each with the right parent."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from ci.load.images import grey_jpeg
from ci.stack.api import Api
from ci.stack.documents import Json, build_plan, build_routes
from ci.stack.jaeger import Jaeger, Span, triton_arguments
from ci.stack.replica import TRITON_COMMAND, Replica
from ci.stack.waiting import wait_until
from tests.harness.hostile.broken_replicas import BrokenReplica, Fault
from tests.harness.stack import wait_for_step

JAEGER, TRITON, API, BROKEN = "127.0.0.61", "127.0.0.62", "127.0.0.63:8002", "127.0.0.64"
STAGES = ["receive", "choose", "decode", "attempt", "answer"]
SENT_SECONDS = 20
STABLE, CANARY = 1, 2

pytestmark = pytest.mark.integration


class Traced:
    """An API over one Triton, which both send their spans to one Jaeger."""

    def __init__(self, api: Api, replica: Replica, jaeger: Jaeger, bundles: Path) -> None:
        self.api, self.replica, self.jaeger, self.bundles = api, replica, jaeger, bundles

    def route(self, step: str, *others: tuple[str, str, list[int]], weight: int = 0, shadow_percent: int = 0) -> None:
        """`others`: replicas for the canary, else the real one has it."""
        held = [STABLE] if others else [STABLE, CANARY]
        replicas = [(self.replica.name, self.replica.url, held), *others]
        stable, canary = (self.bundles / f"resnet_medical-{version}.tar" for version in (STABLE, CANARY))
        routes = build_routes(replicas, stable, canary, weight=weight, step=step, shadow_percent=shadow_percent)
        self.api.follow(routes)
        wait_for_step(self.api, step)

    def ask(self, images: int = 1, trace_id: str | None = None, *, sampled: bool = True) -> str:
        """The id of the request's trace."""
        id = trace_id or os.urandom(16).hex()
        headers = {"traceparent": f"00-{id}-{'b' * 16}-0{int(sampled)}", "X-Study-Id": "1.2.840.99"}
        path = "/predict" if images == 1 else "/predict/batch"
        files = [("image", ("doe.jpg", grey_jpeg(seed), "image/jpeg")) for seed in range(images)]
        answer = httpx.post(f"{self.api.url}{path}", files=files, headers=headers, timeout=30)
        assert answer.status_code == 200, answer.text
        return id

    def spans(self, trace_id: str, least: int) -> list[Span]:
        """Those of the trace, once there are so many and no more come."""

        def complete() -> list[Span] | None:
            spans = self.jaeger.spans(trace_id)
            return spans if len(spans) >= least else None

        return wait_until(complete, f"trace {trace_id} has {least} spans", SENT_SECONDS)


@pytest.fixture(scope="module")
def traced(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    folder = tmp_path_factory.mktemp("traced")
    jaeger = Jaeger(folder / "jaeger", JAEGER)
    command = " ".join([TRITON_COMMAND, *triton_arguments(jaeger.endpoint)])
    replica = Replica("triton-0", TRITON, folder / "triton-0", environment={"TRITON_COMMAND": command})
    bundle = bundles / f"resnet_medical-{STABLE}.tar"
    replica.follow(build_plan(bundle, bundles / f"resnet_medical-{CANARY}.tar"))
    environment = {"TRACING_ENDPOINT": jaeger.endpoint, "TRACING_RATIO": "0", "LOG_REQUESTS": "true"}
    api = Api("api", API, folder, environment=environment)
    api.follow(build_routes([(replica.name, replica.url, [STABLE])], bundle))
    with jaeger, replica:
        replica.wait_until_warm(120)
        replica.wait_until_ready(f"{replica.agent_url}/versions/{CANARY}", 120)
        with api:
            api.wait_until_serving()
            yield Traced(api, replica, jaeger, bundles)


def of_service(spans: Sequence[Span], service: str) -> list[Span]:
    return [span for span in spans if span.service == service]


def check_parents(spans: Sequence[Span]) -> None:
    """The API's request is the caller's child, its stages are the request's, Triton's first span is the attempt's."""
    by_id = {span.id: span for span in spans}
    (request,) = [span for span in spans if span.name.startswith("POST ")]
    assert request.parent == "b" * 16
    stages = [span for span in of_service(spans, "medinfer-api") if span is not request]
    assert {span.parent for span in stages} == {request.id}
    attempts = {span.id for span in stages if span.name == "attempt"}
    outer = [span for span in of_service(spans, "triton") if by_id[str(span.parent)].service != "triton"]
    assert len(outer) == 1 and outer[0].parent in attempts
    assert [by_id[str(span.parent)].service for span in spans if span.service == "triton" and span not in outer] == [
        "triton"
    ] * (len(of_service(spans, "triton")) - 1)


TRITON_SPANS = 3  # the request, the model, compute


@pytest.mark.parametrize(
    ("weight", "images", "role", "version"),
    [
        pytest.param(0, 1, "stable", STABLE, id="stable"),
        pytest.param(100, 1, "canary", CANARY, id="canary"),
        pytest.param(0, 3, "stable", STABLE, id="batch"),
    ],
)
def test_one_trace_holds_the_apis_spans_and_tritons(
    traced: Traced, weight: int, images: int, role: str, version: int
) -> None:
    traced.route(f"weight {weight}, images {images}", weight=weight)
    spans = traced.spans(traced.ask(images), 1 + len(STAGES) + TRITON_SPANS)
    names = [span.name for span in of_service(spans, "medinfer-api")]
    assert sorted(names) == sorted(["POST /predict" if images == 1 else "POST /predict/batch", *STAGES])
    assert len(of_service(spans, "triton")) == TRITON_SPANS
    check_parents(spans)
    (attempt,) = [span for span in spans if span.name == "attempt"]
    said = {name: attempt.attributes[f"medinfer.{name}"] for name in ("role", "version", "replica", "model")}
    assert said == {"role": role, "version": version, "replica": "triton-0", "model": "resnet_medical"}


def test_a_fallback_is_one_trace_with_both_attempts(traced: Traced) -> None:
    with BrokenReplica(BROKEN, Fault.ERROR) as broken:
        traced.route("fallback", ("broken", broken.url, [CANARY]), weight=100)
        spans = traced.spans(traced.ask(), 2 + len(STAGES) + TRITON_SPANS)
    failed, answered = [span for span in spans if span.name == "attempt"]
    assert (failed.attributes["medinfer.role"], failed.attributes["error.type"]) == ("canary", "VersionFailed")
    assert answered.attributes["medinfer.role"] == "fallback"
    check_parents(spans)


def test_a_shadow_copy_is_a_trace_of_its_own_with_a_link(traced: Traced) -> None:
    traced.route("shadow", shadow_percent=100)
    id = traced.ask()
    (request,) = [span for span in traced.spans(id, 1 + len(STAGES) + TRITON_SPANS) if span.name == "POST /predict"]

    def copy() -> list[Span] | None:
        found = (traced.jaeger.spans(one) for one in traced.jaeger.traces("medinfer-api", "shadow"))
        linked = [spans for spans in found if any(f"{id}/{request.id}" in span.links for span in spans)]
        return linked[0] if linked and len(linked[0]) == 2 + TRITON_SPANS else None

    spans = wait_until(copy, "the copy's trace, with Triton's spans", SENT_SECONDS)
    assert {span.attributes.get("medinfer.version") for span in spans if span.name == "attempt"} == {CANARY}


def test_an_unsampled_request_leaves_no_span_of_triton(traced: Traced) -> None:
    """Triton would write spans for any valid traceparent, sampled or not."""
    traced.route("unsampled")
    unsampled = traced.ask(sampled=False)
    traced.spans(traced.ask(), 1 + len(STAGES) + TRITON_SPANS)  # a later one is there
    assert traced.jaeger.spans(unsampled) == []


def test_an_unsampled_fallback_is_kept_without_tritons_spans(traced: Traced) -> None:
    with BrokenReplica(BROKEN, Fault.NAN) as broken:
        traced.route("unsampled fallback", ("broken again", broken.url, [CANARY]), weight=100)
        id = traced.ask(sampled=False)
        spans = traced.spans(id, 2 + len(STAGES))
        traced.spans(traced.ask(), 1 + len(STAGES))
    assert of_service(traced.jaeger.spans(id), "triton") == []
    assert [span.name for span in spans if span.attributes.get("error.type")] == ["attempt"]


def test_nothing_of_a_patient_is_sent_and_the_log_names_the_trace(traced: Traced) -> None:
    traced.route("private")
    id = traced.ask()
    spans: Sequence[Json] = [vars(span) for span in traced.spans(id, 1 + len(STAGES) + TRITON_SPANS)]
    assert not [word for word in ("1.2.840.99", "doe.jpg", "image/jpeg") if word in repr(spans)]
    wait_until(lambda: f'"trace_id": "{id}"' in traced.api.log.read_text(), "the log line of the request")
