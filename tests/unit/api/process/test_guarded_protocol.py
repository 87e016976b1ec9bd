"""What one connection may cost, whatever bytes come: tables of streams against the real protocol on a real socket."""

from dataclasses import replace

import pytest

from ci.stack.waiting import until
from tests.unit.api.process.guarded import LIMITS, serving

MAX = LIMITS.max_head_bytes
QUICK = replace(LIMITS, head_timeout_seconds=0.05, first_byte_timeout_seconds=0.05, write_timeout_seconds=0.05)
GET = b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"


def head_of(length: int) -> bytes:
    start = b"GET /a HTTP/1.1\r\nX: "
    return start + b"x" * (length - len(start) - 4) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("pieces", "status", "kind"),
    [
        pytest.param([head_of(MAX + 1)], 431, "head-too-large", id="one-byte-over"),
        pytest.param([b"GET /a HTTP/1.1\r\nX: ", *[b"x" * 500] * 20], 431, "head-too-large", id="header-without-end"),
        pytest.param([b"GET /a HTTP/1.1\r\nX" + b"x" * 100_000], 431, "head-too-large", id="name-without-end"),
        pytest.param([b"GET /" + b"x" * 100_000], 431, "head-too-large", id="url-without-end"),
        pytest.param([b"GET /a HTTP/1.1\r\n" + b"X: y\r\n" * 5000], 431, "head-too-large", id="many-headers"),
        pytest.param([b"\r\n" * 5000], 431, "head-too-large", id="only-newlines"),
        pytest.param(
            [CHUNKED, b"1\r\nx\r\n0\r\nX: " + b"x" * 100_000], 431, "head-too-large", id="trailer-without-end"
        ),
        pytest.param([CHUNKED, b"0\r\n", b"X: y\r\n" * 5000], 431, "head-too-large", id="many-trailers"),
        pytest.param([CHUNKED, b"1;" + b"x" * 100_000], 431, "head-too-large", id="chunk-extension-without-end"),
        pytest.param([CHUNKED, b"1\r\nx\r\n" * 50_000], 400, "bad-request", id="one-byte-chunks-without-end"),
        pytest.param([CHUNKED, b"wrong\r\n"], 400, "bad-request", id="broken-chunk"),
        pytest.param([b"GARBAGE\r\n\r\n"], 400, "bad-request", id="not-http"),
        pytest.param([b"GET http://[ HTTP/1.1\r\n\r\n"], 400, "bad-request", id="broken-url"),
        pytest.param([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], 400, "bad-request", id="http-2-without-asking"),
        pytest.param([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"], 400, "bad-request", id="tls"),
        pytest.param([b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"], 405, "method-not-allowed", id="a-proxy-is-wanted"),
        pytest.param(
            [b"POST /wait HTTP/1.1\r\nHost: a\r\n\r\n" + GET * 50], 200, "", id="pipelined-after-one-that-waits"
        ),
    ],
)
async def test_a_refusal_is_a_problem_and_the_last_answer(pieces: list[bytes], status: int, kind: str) -> None:
    async with serving() as server:
        client = await server.connect()
        await client.send(*pieces)
        server.go_on.set()
        answer = await client.answer()
        assert answer.status == status
        if status != 200:
            assert (answer.kind, answer.headers["content-type"]) == (kind, "application/problem+json")
            assert answer.document["request_id"] == answer.headers["x-request-id"]
            assert answer.headers["connection"] == "close"
            assert server.refused == {kind: 1}
        assert await client.is_closed()
        assert sum(server.refused.values()) == 1


@pytest.mark.parametrize(
    ("pieces", "bodies"),
    [
        pytest.param([head_of(MAX)], [0], id="head-of-just-the-limit"),
        pytest.param([bytes([byte]) for byte in head_of(200)], [0], id="head-byte-by-byte"),
        pytest.param([b"\r\n\r\n", GET], [0], id="newlines-before"),
        pytest.param([GET, GET], [0, 0], id="kept-alive"),
        pytest.param([GET * 16], [0] * 16, id="pipelined"),
        pytest.param([POST, b"1", b"2", b"34"], [4], id="body-in-pieces"),
        pytest.param([POST + b"1234" + head_of(MAX)], [4, 0], id="next-head-in-one-piece-with-the-body"),
        pytest.param([POST.replace(b": 4", b": 300000"), b"x" * 300_000, GET], [300_000, 0], id="large-body"),
        pytest.param([CHUNKED, b"1\r\nx\r\n" * 2000 + b"0\r\n\r\n"], [2000], id="a-short-body-in-tiny-chunks"),
        pytest.param(
            [CHUNKED, b"100\r\n" + b"x" * 256 + b"\r\n", b"0\r\nX-Study-Id: 1\r\n\r\n", GET], [256, 0], id="trailer"
        ),
        pytest.param(
            [POST.replace(b"\r\n\r\n", b"\r\n" + H2C + b"\r\n") + b"1234", GET], [4, 0], id="h2c-with-its-body"
        ),
        pytest.param([POST.replace(b"\r\n\r\n", b"\r\n" + H2C + b"\r\n"), b"12", b"34"], [4], id="h2c-body-after-it"),
        pytest.param([GET.replace(b"\r\n\r\n", b"\r\n" + H2C + b"\r\n") * 3], [0, 0, 0], id="h2c-pipelined"),
        pytest.param(
            [CHUNKED.replace(b"\r\n\r\n", b"\r\n" + H2C + b"\r\n"), b"2\r\nab\r\n0\r\n\r\n"], [2], id="h2c-chunked"
        ),
        pytest.param(
            [GET.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")], [0], id="websocket"
        ),
        pytest.param(
            [bytes([byte]) for byte in POST.replace(b"\r\n\r\n", b"\r\n" + H2C + b"\r\n") + b"1234"],
            [4],
            id="h2c-byte-by-byte",
        ),
    ],
)
async def test_what_is_honest_is_served(pieces: list[bytes], bodies: list[int]) -> None:
    """Each answer is the length of the body, and the connection stays open."""
    async with serving() as server:
        client = await server.connect()
        await client.send(*pieces)
        answers = [await client.answer() for _ in bodies]
        assert [(answer.status, int(answer.body)) for answer in answers] == [(200, length) for length in bodies]
        assert (await client.ask(GET)).status == 200
        assert not server.refused and not server.closed
        assert not any(name in (b"upgrade", b"x-study-id") for scope in server.scopes for name, _ in scope["headers"])


@pytest.mark.parametrize(
    ("sent", "repeated"),
    [
        pytest.param(b"order-66.A:b_c", "order-66.a:b_c", id="sane"),
        pytest.param(b"x" * 129, None, id="too-long"),
        pytest.param(b"a b", None, id="blank"),
        pytest.param(b"", None, id="empty"),
    ],
)
async def test_the_client_s_request_id_is_repeated_apart(sent: bytes, repeated: str | None) -> None:
    async with serving() as server:
        client = await server.connect()
        answer = await client.ask(b"GET /a HTTP/1.1\r\nX-Request-Id: " + sent + b"\r\n\r\n")
        assert answer.headers.get("x-client-request-id") == repeated
        assert "x-client-request-id" not in (await client.ask(GET)).headers


@pytest.mark.parametrize(
    ("pieces", "kind"),
    [
        pytest.param([b"G"], "head-timeout", id="half-a-method"),
        pytest.param([b"GET /a HTTP/1.1\r\nHost: a\r\n"], "head-timeout", id="half-a-head"),
        pytest.param([b"\r\n"], "head-timeout", id="a-newline"),
    ],
)
@pytest.mark.parametrize("before", [pytest.param(b"", id="first"), pytest.param(GET, id="after-another")])
async def test_a_head_that_does_not_end_in_time_is_refused(before: bytes, pieces: list[bytes], kind: str) -> None:
    async with serving(QUICK) as server:
        client = await server.connect()
        if before:
            assert (await client.ask(before)).status == 200
        answer = await client.ask(*pieces)
        assert (answer.status, answer.kind) == (408, kind)
        assert await client.is_closed()
        assert server.refused == {kind: 1}


@pytest.mark.parametrize(
    ("pieces", "answered", "reason"),
    [
        pytest.param([], False, "no-first-byte", id="silent"),
        pytest.param(
            [POST.replace(b"/a", b"/early"), b"1"], True, "unsent-body", id="body-stays-away-after-its-answer"
        ),
    ],
)
async def test_silence_ends(pieces: list[bytes], answered: bool, reason: str) -> None:
    async with serving(QUICK) as server:
        client = await server.connect()
        await client.send(*pieces)
        if answered:
            assert (await client.answer()).status == 200
        assert await client.is_closed()
        assert server.closed == {reason: 1}


async def test_an_answer_that_nobody_reads_does_not_stay() -> None:
    async with serving(QUICK) as server:
        client = await server.connect()
        await client.send(GET.replace(b"/a", b"/large"))
        await until(lambda: bool(server.closed), "the connection is closed")
        assert server.closed == {"unread-answer": 1}


async def test_a_late_second_head_leaves_the_first_request_its_answer() -> None:
    async with serving(QUICK) as server:
        client = await server.connect()
        await client.send(GET.replace(b"/a", b"/wait") + b"GET /a HT")
        await until(lambda: bool(server.refused), "the second head is refused")
        server.go_on.set()
        assert (await client.answer()).status == 200
        assert await client.is_closed()


async def test_the_oldest_silent_connection_makes_room() -> None:
    async with serving(replace(LIMITS, max_connections=3)) as server:
        kept = await server.connect()
        assert (await kept.ask(GET)).status == 200
        strangers = [await server.connect() for _ in range(3)]
        assert await strangers[0].is_closed()
        assert (await kept.ask(GET)).status == 200
        assert (await strangers[2].ask(GET)).status == 200
        assert server.closed == {"made-room": 1}


async def test_a_flood_of_silent_connections_keeps_nobody_out() -> None:
    async with serving(replace(LIMITS, max_connections=3)) as server:
        for _ in range(50):
            await server.connect()
            honest = await server.connect()
            assert (await honest.ask(GET)).status == 200
        assert len(server.state.connections) <= 4


async def test_without_a_silent_one_the_new_connection_is_refused() -> None:
    async with serving(replace(LIMITS, max_connections=2)) as server:
        busy = [await server.connect() for _ in range(2)]
        for client in busy:
            await client.send(GET.replace(b"/a", b"/wait"))
        await until(lambda: len(server.scopes) == 2, "both have a request under way")
        late = await server.connect()
        answer = await late.answer()
        assert (answer.status, answer.kind, answer.headers["retry-after"]) == (503, "too-many-connections", "1")
        assert await late.is_closed()
        server.go_on.set()
        assert [(await client.answer()).status for client in busy] == [200, 200]
        assert (await (await server.connect()).ask(GET)).status == 200
