import json
from collections.abc import Callable
from functools import partial

import pytest
from inference_api import problems
from inference_api.access import refusals
from inference_api.access.clients import Scope
from inference_api.problems import Full, Problem

EVERY = [
    pytest.param(problems.malformed("it ends early"), 400, id="malformed"),
    pytest.param(problems.bad_request("its chunks are too small"), 400, id="bad-request"),
    pytest.param(problems.head_timeout(5), 408, id="head-timeout"),
    pytest.param(problems.misdirected(), 421, id="misdirected"),
    pytest.param(problems.head_too_large(32), 431, id="head-too-large"),
    pytest.param(problems.too_many_connections(), 503, id="too-many-connections"),
    pytest.param(problems.origin_not_allowed({"Vary": "Origin"}), 403, id="origin-not-allowed"),
    pytest.param(problems.too_many_bytes(20), 413, id="too-many-bytes"),
    pytest.param(problems.too_many_pixels(9, 9, 80, 65_535), 413, id="too-many-pixels"),
    pytest.param(refusals.no_credentials(), 401, id="no-credentials"),
    pytest.param(refusals.unreadable_header("authorization"), 401, id="unreadable-header"),
    pytest.param(refusals.several_headers(), 401, id="several-headers"),
    pytest.param(refusals.mistyped_key(), 401, id="mistyped-key"),
    pytest.param(refusals.unknown_key(), 401, id="unknown-key"),
    pytest.param(refusals.key_not_yet_valid(), 401, id="key-not-yet-valid"),
    pytest.param(refusals.key_expired(), 401, id="key-expired"),
    pytest.param(refusals.scope_missing(Scope.PREDICT), 403, id="scope-missing"),
    pytest.param(refusals.bad_token(), 401, id="bad-token"),
    pytest.param(refusals.token_expired(), 401, id="token-expired"),
    pytest.param(refusals.unknown_issuer(), 401, id="unknown-issuer"),
    pytest.param(refusals.unknown_signing_key(), 401, id="unknown-signing-key"),
    pytest.param(refusals.no_client(), 403, id="no-client"),
    pytest.param(refusals.issuer_unknown(), 503, id="issuer-unknown"),
    pytest.param(refusals.access_unknown(), 503, id="access-unknown"),
    pytest.param(problems.too_much_memory(7, 6), 413, id="too-much-memory"),
    pytest.param(problems.upload_too_slow(1024, 2), 408, id="upload-too-slow"),
    pytest.param(problems.not_multipart(), 415, id="not-multipart"),
    pytest.param(problems.encoded("request has Content-Encoding", b"gzip"), 415, id="encoded"),
    pytest.param(problems.not_an_image("PNG and TIFF", "this file is neither"), 415, id="not-an-image"),
    pytest.param(problems.needs_intensity(), 415, id="needs-intensity"),
    pytest.param(problems.no_image(), 422, id="no-image"),
    pytest.param(problems.empty_image(), 422, id="empty-image"),
    pytest.param(problems.too_many_images(1), 422, id="too-many-images-for-one"),
    pytest.param(problems.too_many_images(16), 422, id="too-many-images"),
    pytest.param(problems.NotForThisModel("it is small"), 422, id="not-for-this-model"),
    pytest.param(problems.internal(), 500, id="internal"),
    pytest.param(problems.model_failed(2), 502, id="model-failed"),
    *(pytest.param(problems.Overloaded(full), 503, id=f"overloaded-{full}") for full in Full),
    pytest.param(problems.no_replica(), 503, id="no-replica"),
    pytest.param(problems.not_ready("no routes yet"), 503, id="not-ready"),
    pytest.param(problems.deadline_passed(10), 504, id="deadline-passed"),
]


@pytest.mark.parametrize(("problem", "status"), EVERY)
def test_answer_is_a_problem_document(problem: Problem, status: int) -> None:
    """RFC 9457 sections 3 and 3.1."""
    answer = problems.response(problem, "r-1")
    document = json.loads(bytes(answer.body))
    assert answer.status_code == document["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-request-id"] == document["request_id"] == "r-1"
    assert document["type"].startswith("urn:medinfer:problem:")
    assert document["title"] and document["detail"].endswith(".")


@pytest.mark.parametrize(
    "make", [partial(problems.Overloaded, Full.PLACES), problems.no_replica, problems.too_many_connections]
)
def test_a_refusal_for_now_says_when_to_come_back(make: Callable[..., Problem]) -> None:
    assert problems.response(make(retry_after_seconds=3), "r-1").headers["retry-after"] == "3"
