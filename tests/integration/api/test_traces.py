"""One request is one trace in a real collector: the API's spans and Triton's own, each with the right parent."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ci.stack.documents import Json
from ci.stack.jaeger import Span
from ci.stack.waiting import wait_until
from tests.harness.hostile.broken_replicas import BrokenReplica, Fault
from tests.harness.traced import CANARY, SENT_SECONDS, STABLE, Traced, traced_stack

BROKEN = "127.0.0.64"
TRITON_SPANS = 3  # the request, the model, compute
STAGES = ["receive", "choose", "decode", "attempt", "answer"]

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def traced(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    with traced_stack(bundles, tmp_path_factory.mktemp("traced")) as running:
        yield running


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
