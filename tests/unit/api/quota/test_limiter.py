"""A client is held to its quota: images in a minute, and images in flight."""

from contextlib import ExitStack

import pytest
from inference_api.access.clients import Client, Priority, Quota
from inference_api.quota.limiter import Limiter
from inference_api.quota.refusals import QuotaExceeded

UNLIMITED = Client("free")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def limited(per_minute: int | None = None, in_flight: int | None = None) -> Client:
    return Client("pacs", quota=Quota(per_minute, in_flight))


def ask(limiter: Limiter, client: Client, images: int = 1) -> int | None:
    """Seconds until a retry; None: it was let in."""
    try:
        limiter.check(client)
        with limiter.working(client, images):
            return None
    except QuotaExceeded as refused:
        return int(refused.headers["Retry-After"])


@pytest.mark.parametrize(
    ("per_minute", "processes", "asked", "retry_after"),
    [
        pytest.param(60, 1, [1] * 60, [None] * 60, id="a-minute-at-once"),
        pytest.param(60, 1, [1] * 61, [None] * 60 + [1], id="one-more"),
        pytest.param(60, 1, [8] * 8, [None] * 7 + [4], id="a-batch-costs-8"),
        pytest.param(60, 1, [8] * 8 + [4], [None] * 7 + [4, None], id="a-refused-batch-costs-nothing"),
        pytest.param(60, 2, [1] * 31, [None] * 30 + [2], id="half-of-it-each"),
        pytest.param(5, 1, [8, 1], [None, 48], id="a-batch-above-the-quota-is-let-in-first"),
        pytest.param(60, 100, [1, 1], [None, 100], id="less-than-one-image-a-minute-each"),
        pytest.param(None, 1, [8] * 100, [None] * 100, id="only-in-flight"),
    ],
)
def test_images_per_minute(
    per_minute: int | None, processes: int, asked: list[int], retry_after: list[int | None]
) -> None:
    limiter = Limiter(processes, Clock())
    client = limited(per_minute, 1000)
    assert [ask(limiter, client, images) for images in asked] == retry_after


@pytest.mark.parametrize(
    ("in_flight", "processes", "running", "images", "admitted"),
    [
        pytest.param(4, 1, [1, 1, 1], 1, True, id="the-last-one"),
        pytest.param(4, 1, [1, 1, 1, 1], 1, False, id="none-is-left"),
        pytest.param(4, 1, [3], 2, False, id="not-half-a-batch"),
        pytest.param(4, 1, [], 8, True, id="a-batch-alone"),
        pytest.param(4, 1, [8], 1, False, id="nothing-beside-it"),
        pytest.param(4, 2, [1], 1, True, id="half-of-it-each"),
        pytest.param(4, 2, [1, 1], 1, False, id="and-not-more"),
        pytest.param(None, 1, [8] * 9, 8, True, id="only-per-minute"),
    ],
)
def test_images_in_flight(
    in_flight: int | None, processes: int, running: list[int], images: int, admitted: bool
) -> None:
    limiter, client = Limiter(processes, Clock()), limited(1000, in_flight)
    with ExitStack() as stack:
        for one in running:
            stack.enter_context(limiter.working(client, one))
        assert (ask(limiter, client, images) is None) is admitted
    assert ask(limiter, client, images) is None


def test_an_image_in_flight_ends_when_its_request_fails() -> None:
    limiter, client = Limiter(1, Clock()), limited(None, 1)
    with pytest.raises(ZeroDivisionError), limiter.working(client, 1):
        raise ZeroDivisionError
    assert ask(limiter, client) is None


def test_the_answer_says_what_is_left() -> None:
    clock = Clock()
    limiter, client = Limiter(1, clock), limited(60, 4)
    with limiter.working(client, 3):
        assert limiter.headers(client) == [
            (b"ratelimit-policy", b'"images-per-minute";q=60;qu="images";w=60, "images-in-flight";q=4;qu="images"'),
            (b"ratelimit", b'"images-per-minute";r=57;t=3, "images-in-flight";r=1'),
        ]
    clock.now += 1
    assert limiter.headers(client)[1] == (b"ratelimit", b'"images-per-minute";r=58;t=2, "images-in-flight";r=4')
    assert limiter.headers(UNLIMITED) == []


@pytest.mark.parametrize(
    ("client", "violated"),
    [
        pytest.param(limited(1), "images-per-minute", id="per-minute"),
        pytest.param(limited(None, 1), "images-in-flight", id="in-flight"),
    ],
)
def test_a_refusal_says_why_and_is_counted(client: Client, violated: str) -> None:
    limiter = Limiter(1, Clock())
    limiter.follow([client, UNLIMITED])
    with limiter.working(client, 1), pytest.raises(QuotaExceeded) as refused:
        limiter.check(client)
    document = refused.value.document("id")
    assert (document["type"], document["status"]) == ("urn:medinfer:problem:quota-exceeded", 429)
    assert document["violated-policies"] == [violated]
    assert set(refused.value.headers) == {"Retry-After", "RateLimit-Policy", "RateLimit"}
    assert limiter.snapshot() == {"pacs": 1}


def test_another_document_keeps_what_was_taken() -> None:
    limiter = Limiter(1, Clock())
    assert ask(limiter, limited(8), 4) is None
    limiter.follow([limited(60)])
    assert [ask(limiter, limited(60)) for _ in range(31)] == [None] * 30 + [1]  # half a minute was left
    limiter.follow([UNLIMITED])
    assert limiter.snapshot() == {}


def test_it_knows_whether_there_are_urgent_clients() -> None:
    limiter = Limiter(1, Clock())
    limiter.follow([UNLIMITED])
    assert not limiter.has_urgent
    limiter.follow([UNLIMITED, Client("stroke", priority=Priority.URGENT)])
    assert limiter.has_urgent
