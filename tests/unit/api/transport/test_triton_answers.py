"""Triton's answers are read or counted as the version's failure, never guessed at."""

import json
import struct

import numpy as np
import pytest
from inference_api.routing.counters import Json
from inference_api.transport.connections import Reply
from inference_api.transport.request_buffers import HEAD_ROOM_BYTES, RequestBuffer, RequestBuffers
from inference_api.transport.triton import VersionFailed, parse_logits, request_header, with_traceparent
from tritonclient.http import InferenceServerClient, InferInput, InferRequestedOutput, InferResult

ROWS = [(0.5, -1.0, 2.0, 3.0), (4.0, 5.0, 6.0, 7.0)]
OUTPUT = {"name": "output", "datatype": "FP32", "shape": [2, 4], "parameters": {"binary_data_size": 32}}
TENSOR = b"".join(struct.pack("<4f", *row) for row in ROWS)


def reply(
    output: Json = OUTPUT,
    tensor: bytes = TENSOR,
    status: int = 200,
    headers: dict[bytes, bytes] | None = None,
    header: bytes | None = None,
) -> Reply:
    content = header if header is not None else json.dumps({"outputs": [output]}).encode()
    size = {b"inference-header-content-length": str(len(content)).encode()}
    return Reply(status, size if headers is None else headers, content + tensor)


def test_logits_are_read_as_tritonclient_reads_them() -> None:
    given = reply()
    header_length = int(given.headers[b"inference-header-content-length"])
    vendors = InferResult.from_response_body(given.body, header_length=header_length).as_numpy("output")
    assert parse_logits(given, 2, "output", 4) == ROWS == [tuple(row) for row in vendors.tolist()]


@pytest.mark.parametrize("batch_size", [1, 2, 16])
@pytest.mark.parametrize(
    ("shape", "taken", "given"),
    [
        pytest.param((3, 224, 224), "input", "output", id="schema-version-1"),
        pytest.param((1, 320, 200), "picture", "findings/logits:0", id="grey"),
    ],
)
def test_requests_are_described_as_tritonclient_describes_them(
    batch_size: int, shape: tuple[int, int, int], taken: str, given: str
) -> None:
    tensor = np.zeros((batch_size, *shape), np.float32)
    described = InferInput(taken, list(tensor.shape), "FP32").set_data_from_numpy(tensor)
    outputs = [InferRequestedOutput(given, binary_data=True)]
    body, header_bytes = InferenceServerClient.generate_request_body([described], outputs=outputs)
    assert request_header(batch_size, shape, taken, given) == bytes(body[:header_bytes])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(reply(status=400, tensor=b'{"error":"no"}', header=b""), "answered 400", id="error-status"),
        pytest.param(reply(status=503, tensor=b"\xff", header=b""), "answered 503", id="error-without-text"),
        pytest.param(reply(headers={}), "no header that can be read", id="no-header-length"),
        pytest.param(
            reply(headers={b"inference-header-content-length": b"x"}), "no header that can be read", id="length-is-text"
        ),
        pytest.param(reply(header=b"[]"), "no header that can be read", id="header-is-a-list"),
        pytest.param(reply(header=b"{"), "no header that can be read", id="header-is-no-json"),
        pytest.param(reply(OUTPUT | {"name": "other"}), "must be output FP32", id="another-output"),
        pytest.param(
            reply(OUTPUT | {"shape": [1, 4]}),
            "must be output FP32 [2, 4], is ('output', 'FP32', [1, 4])",
            id="another-batch",
        ),
        pytest.param(reply(OUTPUT | {"shape": [2, 5]}), "must be output FP32", id="another-width"),
        pytest.param(reply(OUTPUT | {"datatype": "FP16"}), "must be output FP32", id="another-type"),
        pytest.param(reply(tensor=TENSOR[:-1]), "must be output FP32", id="too-short"),
        pytest.param(reply(tensor=TENSOR + b"\0"), "must be output FP32", id="too-long"),
    ],
)
def test_anything_else_is_the_versions_failure(given: Reply, message: str) -> None:
    with pytest.raises(VersionFailed) as caught:
        parse_logits(given, 2, "output", 4)
    assert message in str(caught.value)


def test_a_request_lies_head_to_tensor_in_one_piece_of_memory() -> None:
    buffer = RequestBuffer(2)
    assert buffer.tensor.shape == (2, 3, 224, 224)
    buffer.tensor[:] = 7
    request = buffer.with_head(b"HEAD")
    assert bytes(request[:4]) == b"HEAD"
    assert bytes(request[4:]) == buffer.tensor.tobytes()
    assert bytes(buffer.with_head(b"LONGER")[:6]) == b"LONGER"


def test_a_head_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="there is room for"):
        RequestBuffer(1).with_head(b"x" * (HEAD_ROOM_BYTES + 1))


def test_buffers_of_two_shapes_are_kept_and_an_older_third_is_not() -> None:
    buffers, shapes = RequestBuffers(), ((3, 224, 224), (1, 320, 320), (1, 8, 8))
    given = [buffers.take(1, shape) for shape in shapes]
    for one in given:
        buffers.give_back(one)
    assert [buffers.take(1, shape) is one for shape, one in zip(shapes, given, strict=True)] == [False, True, True]
    assert buffers.take(1, shapes[1]).tensor.shape == (1, 1, 320, 320)


def test_large_buffers_are_kept_by_their_bytes() -> None:
    buffers = RequestBuffers()
    given = [buffers.take(1, (3, 1024, 1024)) for _ in range(4)]
    for one in given:
        buffers.give_back(one)
    assert sum(buffers.take(1, (3, 1024, 1024)) in given for _ in range(4)) == 2


def test_single_buffers_are_used_again_and_batches_are_not() -> None:
    buffers = RequestBuffers()
    one, many = buffers.take(1), buffers.take(3)
    buffers.give_back(one)
    buffers.give_back(many)
    assert buffers.take(1) is one
    assert buffers.take(1) is not one
    assert buffers.take(3) is not many


def test_a_head_gets_one_more_header() -> None:
    head = b"POST /infer HTTP/1.1\r\nHost: a\r\n\r\n{}"
    assert (
        with_traceparent(head, b"00-1-2-01") == b"POST /infer HTTP/1.1\r\ntraceparent: 00-1-2-01\r\nHost: a\r\n\r\n{}"
    )
