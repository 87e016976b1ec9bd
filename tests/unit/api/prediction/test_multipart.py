"""Bodies as clients send them, and as nobody should: 1 to N images come out, or a 4xx that says why."""

import threading
from typing import Any

import pytest
from inference_api.prediction.multipart import INLINE_BYTES, read_images
from inference_api.prediction.parts import MAX_OTHER_PARTS, MAX_PREAMBLE_BYTES, Parts
from inference_api.problems import Problem
from inference_api.routing.counters import Json
from starlette.types import Message, Receive, Scope

BASE64 = b"Content-Transfer-Encoding: base64\r\n"
FORM = "multipart/form-data; boundary=cut"
IMAGE = b"\x89PNG\r\n--cut-like\r\n-- not the boundary"
MAX_BYTES = 20_000
MIME = b"Mime-Version: 1.0\r\nContent-Type: multipart/form-data; boundary=cut\r\n\r\n"


def part(name: bytes, body: bytes = IMAGE, headers: bytes = b"") -> bytes:
    disposition = b'Content-Disposition: form-data; name="%s"; filename="a.png"\r\n' % name
    return b"--cut\r\n" + disposition + headers + b"\r\n" + body + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--cut--\r\n"


def request(
    chunks: list[bytes], content_type: str | None = FORM, content_length: str | None = None, disconnects: bool = False
) -> tuple[Scope, Receive]:
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"} if disconnects else {"type": "http.request", "body": b""})
    headers = [(b"content-type", content_type.encode())] if content_type is not None else []
    if content_length is not None:
        headers.append((b"content-length", content_length.encode()))
    incoming = iter(messages)

    async def receive() -> Message:
        return next(incoming)

    return {"type": "http", "method": "POST", "headers": headers}, receive


async def images_of(body: bytes, max_images: int = 1, size: int | None = None, **options: Any) -> list[bytes]:
    chunks = [body[at : at + size] for at in range(0, len(body), size)] if size else [body]
    return await read_images(*request(chunks, **options), MAX_BYTES, max_images)


@pytest.mark.parametrize("size", [None, 1, 2, 7, 64], ids=lambda size: f"chunks-of-{size}")
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(form(part(b"image")), [IMAGE], id="one-image"),
        pytest.param(form(part(b"note", b"hi"), part(b"image"), part(b"id", b"7")), [IMAGE], id="other-fields-beside"),
        pytest.param(form(part(b"image", b"1"), part(b"image", b"2")), [b"1", b"2"], id="two-in-order"),
        pytest.param(b"\r\n" + form(part(b"image")), [IMAGE], id="newline-first"),
        pytest.param(b"\n" + form(part(b"image")), [IMAGE], id="bare-newline-first"),
        pytest.param(b"Not for you.\r\n" + form(part(b"image")), [IMAGE], id="text-first"),
        pytest.param(b"--cu --cut -cut\r\n" + form(part(b"image")), [IMAGE], id="almost-a-boundary-first"),
        pytest.param(b" \t\r\n" + form(part(b"image")), [IMAGE], id="blanks-first"),
        pytest.param(MIME + form(part(b"image")), [IMAGE], id="the-headers-of-a-mail-first"),
        pytest.param(b"x" * MAX_PREAMBLE_BYTES + b"\n" + form(part(b"image")), [IMAGE], id="the-longest-text-first"),
        pytest.param(form(part(b"image")) + b"epilogue", [IMAGE], id="epilogue"),
        pytest.param(b"--cut \t " + form(part(b"image"))[5:], [IMAGE], id="blanks-after-the-first-boundary"),
        pytest.param(
            (part(b"a") + form(part(b"image"))).replace(b"--cut\r", b"--cut \r"),
            [IMAGE],
            id="blanks-after-each-boundary",
        ),
        pytest.param(form(part(b"image"))[:-2] + b"  \r\n", [IMAGE], id="blanks-after-the-last-boundary"),
        pytest.param(form(part(b"image", headers=b"Content-Transfer-Encoding: binary\r\n")), [IMAGE], id="said-binary"),
        pytest.param(form(part(b"image", headers=b"content-transfer-encoding:8BIT \r\n")), [IMAGE], id="said-8bit"),
        pytest.param(form(part(b"note", headers=BASE64), part(b"image")), [IMAGE], id="another-part-in-base64"),
        pytest.param(form(part(b"image", headers=b"Content-Type: image/png\r\n")), [IMAGE], id="with-content-type"),
        pytest.param(form(part(b"image")).replace(b"Content-Disp", b"CONTENT-DISP"), [IMAGE], id="header-in-capitals"),
        pytest.param(form(part(b"image")).replace(b'"image"', b"image"), [IMAGE], id="name-without-quotes"),
        pytest.param(form(part(b"image", b"\r\n")), [b"\r\n"], id="nothing-but-a-newline"),
    ],
)
async def test_images(body: bytes, expected: list[bytes], size: int | None) -> None:
    assert await images_of(body, max_images=2, size=size) == expected


async def test_quoted_boundary() -> None:
    assert await images_of(form(part(b"image")), content_type='multipart/form-data; boundary="cut"') == [IMAGE]


@pytest.mark.parametrize(
    ("body", "options", "status", "words"),
    [
        pytest.param(b"", {"content_type": None}, 422, "no part named `image`", id="no-content-type"),
        pytest.param(b"{}", {"content_type": "application/json"}, 415, "multipart/form-data", id="json"),
        pytest.param(IMAGE, {"content_type": "image/png"}, 415, "multipart/form-data", id="a-bare-image"),
        pytest.param(b"", {"content_type": ""}, 415, "multipart/form-data", id="empty-content-type"),
        pytest.param(b"", {"content_type": "multipart/form-data"}, 400, "names no boundary", id="no-boundary"),
        pytest.param(b"", {"content_type": FORM[:-3]}, 400, "names no boundary", id="empty-boundary"),
        pytest.param(b"", {"content_type": FORM + "x" * 300}, 400, "boundary is too long", id="long-boundary"),
        pytest.param(b"", {}, 400, "ends before its closing boundary", id="no-bytes"),
        pytest.param(b"\x00" * 50, {}, 400, "does not hold the boundary", id="no-multipart"),
        pytest.param(b"\x00" * 5000, {}, 400, "first 4,096 bytes", id="no-multipart-and-long"),
        pytest.param(b"x" * 4097 + b"\n" + form(part(b"image")), {}, 400, "first 4,096", id="too-much-text-first"),
        pytest.param(form(part(b"image", headers=BASE64)), {}, 415, "Content-Transfer-Encoding base64", id="base64"),
        pytest.param(
            form(part(b"image", headers=b"Content-Type: multipart/mixed; boundary=x\r\n")),
            {},
            400,
            "a form of its own",
            id="a-form-in-the-form",
        ),
        pytest.param(form(part(b"image"))[:60], {}, 400, "ends before its closing boundary", id="cut-in-the-headers"),
        pytest.param(form(part(b"image"))[:-8], {}, 400, "ends before its closing boundary", id="cut-at-the-end"),
        pytest.param(form(part(b"image")), {"disconnects": True}, 400, "connection ended", id="disconnected"),
        pytest.param(b"--cut--\r\n", {}, 422, "no part named `image`", id="no-parts"),
        pytest.param(form(part(b"file")), {}, 422, "no part named `image`", id="another-name"),
        pytest.param(form(part(b"image", b"")), {}, 422, "is empty", id="empty"),
        pytest.param(form(part(b"image"), part(b"image", b"")), {"max_images": 2}, 422, "empty", id="second-is-empty"),
        pytest.param(form(part(b"image"), part(b"image")), {}, 422, "/predict/batch", id="two-where-one-is-asked"),
        pytest.param(form(*[part(b"image")] * 3), {"max_images": 2}, 422, "more than 2 parts", id="three-of-two"),
        pytest.param(form(*[b"--cut\r\n\r\n\r\n"] * 65), {}, 400, f"more than {MAX_OTHER_PARTS}", id="many-parts"),
        pytest.param(form(part(b"image", headers=b"X: " + b"y" * 9000)), {}, 400, "header size", id="huge-header"),
        pytest.param(form(part(b"image", headers=b"X: y\r\n" * 99)), {}, 400, "header count", id="many-headers"),
        pytest.param(form(part(b"image", headers=b"X\0: y\r\n")), {}, 400, "cannot be read", id="nul-in-a-header"),
        pytest.param(form(part(b"image", bytes(MAX_BYTES))), {}, 413, "larger than 20,000 bytes", id="too-many-bytes"),
        pytest.param(b"", {"content_length": "20001"}, 413, "larger than", id="announces-too-many-bytes"),
        pytest.param(b"", {"content_length": "9" * 5000}, 413, "larger than", id="announces-a-number-of-5000-digits"),
        pytest.param(b"", {"content_length": "-1"}, 400, "ends before", id="announces-less-than-nothing"),
    ],
)
@pytest.mark.parametrize("size", [None, 13], ids=["one-chunk", "many-chunks"])
async def test_refused(body: bytes, options: Json, status: int, words: str, size: int | None) -> None:
    with pytest.raises(Problem, match=words) as refused:
        await images_of(body, size=size, **options)
    assert refused.value.status == status


async def test_a_body_that_lies_about_its_length_is_not_read_past_the_bound() -> None:
    """Content-Length says 10, gigabytes follow: reading stops at the bound."""
    read = 0

    async def receive() -> Message:
        nonlocal read
        read += 1
        return {"type": "http.request", "body": bytes(1000), "more_body": True}

    headers = [(b"content-type", FORM.encode()), (b"content-length", b"10")]
    with pytest.raises(Problem):
        await read_images({"type": "http", "headers": headers}, receive, MAX_BYTES, 1)
    assert read <= MAX_BYTES / 1000 + 1


@pytest.mark.parametrize("size, is_on_the_loop", [(INLINE_BYTES // 2, True), (INLINE_BYTES, False)])
async def test_a_large_body_is_put_together_on_another_thread(
    size: int, is_on_the_loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 MB stopped the event loop for up to 65 ms."""
    put_together, threads = Parts.images, []

    def images(parts: Parts) -> list[bytes]:
        threads.append(threading.current_thread())
        return put_together(parts)

    monkeypatch.setattr(Parts, "images", images)
    body = form(part(b"image", bytes(size)))
    assert await read_images(*request([body[:1000], body[1000:]]), 2 * INLINE_BYTES, 1) == [bytes(size)]
    assert (threads == [threading.current_thread()]) is is_on_the_loop
