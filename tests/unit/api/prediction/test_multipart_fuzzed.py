"""However a body is cut into chunks, the same images come out of it, or the same refusal."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from inference_api.prediction.multipart import read_images
from inference_api.problems import Problem
from starlette.types import Message

FORM = b"multipart/form-data; boundary=cut"
PIECE = st.one_of(
    st.sampled_from(
        [
            *(
                b"--cut",
                b"--cut--",
                b"--cut \t",
                b"\r\n",
                b"\r",
                b"\n",
                b"--",
                b"cut",
                b": ",
                b"image",
                b'"',
                b";",
                b"\r\n--cu",
            ),
            b'--cut\r\nContent-Disposition: form-data; name="image"\r\n\r\n',
            b'--cut\r\nContent-Disposition: form-data; name="other"\r\n\r\n',
        ]
    ),
    st.binary(max_size=6),
)
IMAGE = st.binary(min_size=1, max_size=40).filter(lambda data: b"\r\n--cut" not in data)
BODY = st.lists(PIECE, max_size=14).map(b"".join)


async def outcome(chunks: list[bytes]) -> list[bytes] | str:
    incoming = iter([*({"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks)])

    async def receive() -> Message:
        return next(incoming, {"type": "http.request", "body": b""})

    try:
        return await read_images({"type": "http", "headers": [(b"content-type", FORM)]}, receive, 1000, 2)
    except Problem as problem:
        assert problem.status in (400, 422)
        return problem.kind


@settings(max_examples=500)
@given(body=BODY, size=st.integers(1, 40))
@example(body=b"\ncut--cut--", size=2)  # python-multipart once skipped what came before the hyphen, in one chunk only
async def test_chunks_do_not_matter(body: bytes, size: int) -> None:
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    assert await outcome(chunks) == await outcome([body])


IMAGE = st.binary(min_size=1, max_size=300).filter(lambda data: b"\r\n--cut" not in data)


@settings(max_examples=300)
@given(images=st.lists(IMAGE, min_size=1, max_size=2), cut=st.integers(0, 500))
@example(images=[bytes(range(256))], cut=100)
async def test_what_went_in_comes_out(images: list[bytes], cut: int) -> None:
    head = b'--cut\r\nContent-Disposition: form-data; name="image"\r\n\r\n'
    body = b"".join(head + image + b"\r\n" for image in images) + b"--cut--\r\n"
    assert await outcome([body[:cut], body[cut:]]) == images
