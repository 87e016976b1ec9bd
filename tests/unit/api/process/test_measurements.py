"""What is measured of requests is what Prometheus reads, and its labels are bounded."""

import asyncio
from collections.abc import Iterator

import pytest
from inference_api.process import reports
from inference_api.process.http_counts import HttpCounts
from inference_api.process.measured_metrics import families
from inference_api.process.measurements import CONFIDENCE_BOUNDS, Measurements, Stage
from inference_api.routing.counters import Json
from inference_api.routing.traffic import MAX_VERSIONS
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

PREFIX = "inference_api_"


def samples(measured: Json) -> Iterator[tuple[tuple[str, ...], float]]:
    for family in families(measured):
        for sample in family.samples:
            yield (sample.name.removeprefix(PREFIX), *sample.labels.values()), sample.value


def read(measurements: Measurements) -> dict[tuple[str, ...], float]:
    return dict(samples(measurements.document()))


def test_a_stage_is_a_cumulative_histogram() -> None:
    measurements = Measurements()
    for seconds in (0.0005, 0.004, 60.0):
        measurements.note_stage(Stage.DECODE, seconds)
    metrics = read(measurements)
    name = "stage_duration_seconds"
    assert [metrics[f"{name}_bucket", "decode", bound] for bound in ("0.0005", "0.005", "10.0", "+Inf")] == [1, 2, 2, 3]
    assert metrics[f"{name}_sum", "decode"] == 60.0045
    assert {labels[1] for labels in metrics if labels[0] == f"{name}_count"} == {"queue", "decode", "triton", "answer"}


def test_workers_are_summed_and_an_ended_one_is_kept() -> None:
    measurements = Measurements()
    measurements.note_upload("PNG", 7)
    measurements.note_confidence(2, 0.97)
    measurements.note_http("/predict", "POST", 200, 0.2)
    snapshot = {"measured": measurements.document()}
    gone = {"measured": snapshot["measured"]}
    metrics = dict(samples(reports.measured(gone, [snapshot, None])))
    assert metrics["upload_bytes_total", "PNG"] == 14
    assert [metrics["confidence_bucket", "2", bound] for bound in ("0.95", "0.98")] == [0, 2]
    assert metrics["http_requests_total", "/predict", "POST", "200"] == 2
    assert metrics["http_request_duration_seconds_bucket", "/predict", "POST", "200", "0.5"] == 2


@pytest.mark.parametrize("confidence", [0.0, *CONFIDENCE_BOUNDS, 1.0])
def test_every_confidence_is_in_a_bucket(confidence: float) -> None:
    measurements = Measurements()
    measurements.note_confidence(1, confidence)
    assert read(measurements)["confidence_count", "1"] == 1


def test_old_versions_are_forgotten() -> None:
    measurements = Measurements()
    for version in range(1, 1000):
        measurements.note_confidence(version, 0.5)
    counted = [labels[1] for labels in read(measurements) if labels[0] == "confidence_count"]
    assert counted == [str(version) for version in range(1000 - MAX_VERSIONS, 1000)]


def test_what_clients_invent_makes_no_series() -> None:
    measurements = Measurements()
    for number in range(100):
        measurements.note_http("none", f"BREW{number}", 404, 0)
    assert read(measurements)["http_requests_total", "none", "other", "404"] == 100


def counted(path: str, app_answers: bool = True) -> dict[tuple[str, ...], float]:
    measurements = Measurements()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if app_answers:
            await PlainTextResponse("", 422)(scope, receive, send)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pass

    scope: Scope = {"type": "http", "method": "POST", "path": path, "headers": []}
    asyncio.run(HttpCounts(app, ["/predict"], measurements)(scope, receive, send))
    return read(measurements)


def test_an_answer_is_counted_by_its_path_and_status() -> None:
    assert counted("/predict")["http_requests_total", "/predict", "POST", "422"] == 1


def test_a_path_that_is_not_there_is_no_label() -> None:
    assert counted("/study-of-jane-doe")["http_requests_total", "none", "POST", "422"] == 1


def test_a_request_without_an_answer_is_not_counted() -> None:
    assert counted("/predict", app_answers=False).keys() == counted("/none", app_answers=False).keys()
    assert not any(labels[0] == "http_requests_total" for labels in counted("/predict", app_answers=False))
