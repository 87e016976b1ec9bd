"""Which version answers, and that stable answers whatever a canary does; by real requests."""

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ci.load.images import grey_jpeg, grey_pixels
from ci.stack.documents import Json
from ci.stack.waiting import wait_until
from tests.harness.hostile.broken_replicas import BrokenReplica, Fault
from tests.harness.hostile.dicoms import dicom_file
from tests.integration.routing.conftest import BROKEN_ADDRESS, Held, Routed, StartApi

AGENT_PORT = 8081  # where nobody listens, unless a test does

_names = itertools.count()

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def routed(start_api: StartApi) -> Routed:
    return start_api(AGENT_PORT=str(AGENT_PORT))


def next_to_each_other(routed: Routed, broken: BrokenReplica) -> tuple[Held, Held]:
    """Stable on the real replica, the canary on a broken one, whose name nothing was learnt about in another test."""
    return ("a", routed.replica.url, [1]), (f"{broken.fault} {next(_names)}", broken.url, [2])


def versions_of(routed: Routed, studies: range) -> list[int]:
    answers = [routed.predict(headers={"X-Study-Id": f"study-{study}"}) for study in studies]
    assert all(answer.status_code == 200 for answer in answers)
    return [int(answer.headers["x-model-version"]) for answer in answers]


def test_studies_keep_their_version_as_the_weight_grows_in_every_process(routed: Routed, start_api: StartApi) -> None:
    other = start_api(port=8012)
    studies, before = range(60), [1] * 60
    for weight in (0, 20, 60, 100):
        for api in (routed, other):
            api.follow(api.routes(weight=weight, step=f"weight {weight}"))
        now = versions_of(routed, studies)
        assert now == versions_of(other, studies), "both processes say the same"
        assert all(after >= first for first, after in zip(before, now, strict=True)), "nobody flips back"
        assert abs(now.count(2) / 60 - weight / 100) < 0.25
        before = now


def test_a_dicom_files_study_decides_when_there_is_no_header(routed: Routed) -> None:
    routes = routed.routes(weight=50, step="dicom")
    for version in routes["versions"].values():
        version["preprocessing"]["intensity"] = {"kind": "voi"}
    routed.follow(routes)
    for study in ("1.2.3.4", "1.2.3.5", "1.2.3.6"):
        file = dicom_file(grey_pixels(0).astype("uint16"), StudyInstanceUID=study)
        by_file = {routed.predict(file).headers["x-model-version"] for _ in range(3)}
        by_header = {routed.predict(headers={"X-Study-Id": study}).headers["x-model-version"] for _ in range(3)}
        assert by_file == by_header
        assert len(by_file) == 1


FAILED = {"requests": 1, "errors": 1, "fallbacks": 1, "lost": 0}
LOST = {"requests": 0, "errors": 0, "fallbacks": 0, "lost": 1}


@pytest.mark.parametrize(
    ("fault", "counts"),
    [
        pytest.param(Fault.ERROR, FAILED, id="error"),
        pytest.param(Fault.NAN, FAILED, id="nan"),
        pytest.param(Fault.CUT, LOST, id="cut"),
        pytest.param(Fault.RESETS, LOST, id="resets"),
        pytest.param(Fault.NOT_HTTP, LOST, id="not-http"),
        pytest.param(Fault.HUGE, LOST, id="huge"),
    ],
)
def test_stable_answers_for_a_canary(routed: Routed, fault: Fault, counts: dict[str, int]) -> None:
    with BrokenReplica(BROKEN_ADDRESS, fault) as broken:
        replicas = next_to_each_other(routed, broken)
        routed.follow(routed.routes(*replicas, weight=100, step=f"canary {fault}"))
        response = routed.predict()
        assert broken.requests == 1
    assert (response.status_code, response.headers["x-model-version"]) == (200, "1")
    counted = routed.report(1)["counters"]
    assert {name: counted["2"][name] for name in counts} == counts
    assert (counted["1"]["requests"], counted["1"]["errors"]) == (0, 0)


def test_a_canary_that_may_have_killed_its_triton_is_asked_no_more_until_the_traffic_rules_change(
    routed: Routed,
) -> None:
    with BrokenReplica(BROKEN_ADDRESS, Fault.RESETS) as broken:
        replicas = next_to_each_other(routed, broken)
        routed.follow(routed.routes(*replicas, weight=100, step="killer"))
        for _ in range(5):
            assert routed.predict().status_code == 200
        assert broken.requests == 1
        assert "connection broke" in routed.report(5)["suspended"]
        routed.follow(routed.routes(*next_to_each_other(routed, broken), weight=100, step="killer, once more"))
        assert routed.predict().status_code == 200
        assert broken.requests == 2


def test_a_canary_that_mostly_fails_is_asked_no_more(routed: Routed) -> None:
    with BrokenReplica(BROKEN_ADDRESS, Fault.ERROR) as broken:
        replicas = next_to_each_other(routed, broken)
        routed.follow(routed.routes(*replicas, weight=100, step="always fails"))
        for _ in range(30):
            assert routed.predict().status_code == 200
        assert broken.requests == 11
        assert routed.report(30)["suspended"] is None


def test_a_dead_replica_is_ejected_and_returns_when_its_agent_says_warm(routed: Routed) -> None:
    dead = ("dead", f"http://{BROKEN_ADDRESS}:8000", [1])
    routed.follow(routed.routes(("a", routed.replica.url, [1]), dead, step="dead"))
    for _ in range(20):
        assert routed.predict().status_code == 200
    wait_until(lambda: ejected(routed) == {"a": 0, "dead": 1}, "it is ejected")
    assert routed.report(20)["counters"]["1"]["errors"] == 0
    with agent_of_dead_replica() as asked:
        wait_until(lambda: ejected(routed) == {"a": 0, "dead": 0}, "it is back")
    assert asked[0] == "/versions/1"


@contextmanager
def agent_of_dead_replica() -> Iterator[list[str]]:
    """Says that every version is warm; gives the paths that it was asked for."""
    paths: list[str] = []

    class Agent(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer((BROKEN_ADDRESS, AGENT_PORT), Agent) as server:
        threading.Thread(target=server.serve_forever).start()
        yield paths
        server.shutdown()


def ejected(routed: Routed) -> dict[str, float]:
    """Replica -> workers that do not ask it."""
    text = httpx.get(f"{routed.api.inner_url}/metrics").text
    samples = (sample for family in text_string_to_metric_families(text) for sample in family.samples)
    return {one.labels["replica"]: one.value for one in samples if one.name == "inference_api_ejected_workers"}


def send_batch(routed: Routed, seeds: range) -> httpx.Response:
    return routed.client.post("/predict/batch", files=[("image", grey_jpeg(seed)) for seed in seeds])


@pytest.mark.parametrize("weight", [0, 100])
def test_a_batch_is_answered_in_order_by_one_version(routed: Routed, weight: int) -> None:
    routed.follow(routed.routes(weight=weight, step=f"batch {weight}"))
    seeds = range(16)
    response = send_batch(routed, seeds)
    assert response.status_code == 200
    one_by_one = [routed.predict(grey_jpeg(seed)).json() for seed in seeds]
    assert [item["prediction"] for item in response.json()] == [item["prediction"] for item in one_by_one]
    assert len({item["prediction"] for item in one_by_one}) > 1
    assert {item["model_version"] for item in response.json()} == {2 if weight else 1}


def test_a_batch_falls_back_whole(routed: Routed) -> None:
    with BrokenReplica(BROKEN_ADDRESS, Fault.ERROR) as broken:
        replicas = next_to_each_other(routed, broken)
        routed.follow(routed.routes(*replicas, weight=100, step="batch falls back"))
        response = send_batch(routed, range(3))
    assert response.status_code == 200
    assert [item["model_version"] for item in response.json()] == [1, 1, 1]
    assert routed.report(1)["counters"]["2"]["fallbacks"] == 1


def test_a_batch_of_one_too_many_is_refused(routed: Routed) -> None:
    assert send_batch(routed, range(17)).status_code == 422


def test_shadow_copies_are_compared_and_never_answer(routed: Routed) -> None:
    routed.follow(routed.routes(step="shadow", shadow={"percent": 100}))
    for seed in range(20):
        assert routed.predict(grey_jpeg(seed)).headers["x-model-version"] == "1"

    def all_compared() -> Json | None:
        shadow: Json = routed.report(20)["shadow"]
        return shadow if shadow["samples"] + shadow["dropped"] + shadow["failed"] == 20 else None

    shadow = wait_until(all_compared, "every copy is counted")
    assert shadow["failed"] == 0
    assert shadow["samples"] > 0
    assert sum(map(sum, shadow["matrix"])) == shadow["samples"]
    assert sum(shadow["matrix"][i][i] for i in range(4)) == shadow["agreed"]
    assert routed.report(20)["counters"]["2"]["requests"] == 0
