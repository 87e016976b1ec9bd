"""What a client gets when there is no diagnosis, by real requests. Bad images are tested with the uploads."""

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ci.load.images import grey_jpeg
from ci.stack.waiting import wait_until
from tests.harness.hostile.broken_replicas import BrokenReplica, Fault
from tests.integration.routing.conftest import BROKEN_ADDRESS, SECOND_BROKEN_ADDRESS, Routed, StartApi

pytestmark = pytest.mark.integration

DEADLINE_SECONDS = 2
MAX_IN_FLIGHT = 4


@pytest.fixture(scope="module")
def routed(start_api: StartApi) -> Routed:
    return start_api(DEADLINE_SECONDS=str(DEADLINE_SECONDS))


def assert_problem(response: httpx.Response, status: int, kind: str) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"urn:medinfer:problem:{kind}"
    assert problem["status"] == status
    assert problem["request_id"] == response.headers["x-request-id"] != ""


def stable_on(*addresses: str) -> list[tuple[str, str, list[int]]]:
    return [(f"r{index}", f"http://{address}:8000", [1]) for index, address in enumerate(addresses)]


@pytest.mark.parametrize("fault", [Fault.ERROR, Fault.NAN, Fault.WRONG_SHAPE], ids=str)
def test_stable_failed_on_two_replicas(routed: Routed, fault: Fault) -> None:
    with BrokenReplica(BROKEN_ADDRESS, fault) as one, BrokenReplica(SECOND_BROKEN_ADDRESS, fault) as other:
        routed.follow(routed.routes(*stable_on(BROKEN_ADDRESS, SECOND_BROKEN_ADDRESS), step=f"502 {fault}"))
        assert_problem(routed.predict(), 502, "model-failed")
        assert (one.requests, other.requests) == (1, 1)
    assert routed.report(1)["counters"]["1"]["errors"] == 1


def test_no_replica_is_left(routed: Routed) -> None:
    routed.follow(routed.routes(*stable_on(BROKEN_ADDRESS, SECOND_BROKEN_ADDRESS), step="503"))
    response = routed.predict()
    assert_problem(response, 503, "no-replica")
    assert response.headers["retry-after"] == "1"


def test_the_deadline_passed(routed: Routed) -> None:
    with BrokenReplica(BROKEN_ADDRESS, Fault.HANGS):
        routed.follow(routed.routes(*stable_on(BROKEN_ADDRESS), step="504"))
        response = routed.predict()
    assert_problem(response, 504, "deadline-passed")
    assert f"{DEADLINE_SECONDS} s" in response.json()["detail"]


def test_an_upload_that_never_ends_passes_the_deadline_too(routed: Routed) -> None:
    routed.follow(routed.routes(step="slow upload"))
    host, port = routed.api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(
            b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
        )
        assert client.recv(100).startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")


def test_too_many_in_flight_are_shed_at_once_and_the_rest_is_served(start_api: StartApi) -> None:
    """Requests to a replica that hangs take the places in flight; further ones are refused with Retry-After."""
    bounded, image = start_api(port=8012, DEADLINE_SECONDS="60", MAX_IN_FLIGHT=str(MAX_IN_FLIGHT)), grey_jpeg()
    with ThreadPoolExecutor(MAX_IN_FLIGHT) as clients, BrokenReplica(BROKEN_ADDRESS, Fault.HANGS) as hanging:
        bounded.follow(bounded.routes(*stable_on(BROKEN_ADDRESS), step="overload"))
        held = [clients.submit(bounded.predict, image) for _ in range(MAX_IN_FLIGHT)]
        wait_until(lambda: hanging.requests == MAX_IN_FLIGHT, "every place is held")
        for _ in range(2 * MAX_IN_FLIGHT):
            response = bounded.predict(image)
            assert_problem(response, 503, "overloaded")
            assert response.headers["retry-after"] == "1"
        assert not any(one.done() for one in held), "at once, not when the others time out"
    bounded.follow(bounded.routes(step="after the overload"))
    assert bounded.predict(image).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        pytest.param("GET", "/nothing", 404, "not-found", id="no-such-path"),
        pytest.param("GET", "/predict", 405, "method-not-allowed", id="predict-by-get"),
        pytest.param("DELETE", "/status", 405, "method-not-allowed", id="delete-status"),
    ],
)
def test_refusals_of_the_framework_are_problems_too(
    routed: Routed, method: str, path: str, status: int, kind: str
) -> None:
    assert_problem(routed.client.request(method, path), status, kind)


@pytest.mark.parametrize(
    ("sent", "repeated"),
    [
        pytest.param("order-66.A:b_c", True, id="sane"),
        pytest.param("x" * 129, False, id="too-long"),
        pytest.param("a b", False, id="blank"),
        pytest.param("", False, id="empty"),
    ],
)
def test_the_client_s_request_id_is_repeated_apart_from_ours(routed: Routed, sent: str, repeated: bool) -> None:
    routed.follow(routed.routes(step="request ids"))
    headers = {"X-Request-Id": sent}
    for response in (
        routed.predict(headers=headers),
        routed.predict(b"no image", headers),
        routed.client.get("/health", headers=headers),
    ):
        assert response.headers.get("x-client-request-id") == (sent if repeated else None)
        assert response.headers.get("x-request-id") != sent


def test_no_answer_is_kept_or_taken_for_something_else(routed: Routed) -> None:
    for path in ("/", "/health", "/nothing"):
        headers = routed.client.get(path).headers
        assert (headers["cache-control"], headers["x-content-type-options"]) == ("no-store", "nosniff"), path


def test_the_log_says_what_was_refused_and_nothing_of_the_client(routed: Routed) -> None:
    files = {"image": ("Jane Doe.dcm", b"no image")}
    response = routed.client.post("/predict", files=files, headers={"X-Request-Id": "DOE.JANE.19600101"})
    lines = [json.loads(line) for line in routed.api.log.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == response.headers["x-request-id"]]
    assert (line["message"], line["status"], line["kind"]) == ("request refused", 415, "not-an-image")
    assert "jane" not in routed.api.log.read_text().lower()


def test_a_good_answer_has_its_headers(routed: Routed) -> None:
    routed.follow(routed.routes(step="headers"))
    response = routed.predict(grey_jpeg(1))
    assert response.status_code == 200
    assert response.headers["x-model-version"] == str(response.json()["model_version"]) == "1"
    assert response.headers["x-model-digest"].startswith("sha256:")
