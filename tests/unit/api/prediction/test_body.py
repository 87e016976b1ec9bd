"""A body is bounded in memory before its bytes come, and in time while they come."""

import asyncio

import pytest
from inference_api.prediction import pace
from inference_api.prediction.body import Body
from inference_api.prediction.memory_budget import MemoryBudget
from inference_api.problems import Overloaded, Problem
from starlette.types import Message

MAX_BYTES = 200


@pytest.mark.parametrize(
    ("received", "late", "next_look"),
    [
        pytest.param(0, 0.0, None, id="nothing-came"),
        pytest.param(16 * 1024, 0.0, 3.0, id="a-second-for-16-KiB"),
        pytest.param(160 * 1024, 0.0, 12.0, id="ten-for-160-KiB"),
        pytest.param(0, 0.3, 4.3, id="a-late-look-says-nothing-about-the-client"),
        pytest.param(0, 0.2, None, id="a-little-late"),
    ],
)
def test_the_pace_is_16_KiB_a_second_after_2_s(received: int, late: float, next_look: float | None) -> None:
    assert pace.next_look(0.0, received, 2.0, 2.0 + late) == next_look


def body(memory: MemoryBudget, chunks: list[bytes], content_length: bytes | None = None) -> Body:
    headers = [] if content_length is None else [(b"content-length", content_length)]
    incoming = iter(chunks)

    async def receive() -> Message:
        return {"type": "http.request", "body": next(incoming), "more_body": True}

    return Body({"type": "http", "headers": headers}, receive, memory.body("a"), MAX_BYTES)


@pytest.mark.parametrize(
    ("content_length", "held"),
    [
        pytest.param(b"150", 150, id="taken-before-it-comes"),
        pytest.param(None, 0, id="chunked"),
        pytest.param(b"201", 0, id="refused-by-its-reader"),
        pytest.param(b"9" * 5000, 0, id="absurd"),
        pytest.param(b"-5", 0, id="nonsense"),
    ],
)
def test_what_is_announced(content_length: bytes | None, held: int) -> None:
    memory = MemoryBudget(1000)
    body(memory, [], content_length)
    assert memory.used_bytes == held


def test_what_is_announced_and_has_no_room_is_refused_at_once() -> None:
    with pytest.raises(Overloaded):
        body(MemoryBudget(100), [], b"26")


async def test_chunks_are_taken_as_they_come() -> None:
    memory = MemoryBudget(100)
    chunked = body(memory, [bytes(20), bytes(5), bytes(1)])
    for held in (20, 25):
        await chunked.receive()
        assert memory.used_bytes == held
    with pytest.raises(Overloaded):
        await chunked.receive()


async def test_a_silent_body_ends_by_its_pace_or_by_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "GRACE_SECONDS", 0.05)
    loop = asyncio.get_running_loop()
    with pytest.raises(Problem, match="slower than") as refused:
        await body(MemoryBudget(1000), []).in_time(asyncio.Event().wait(), loop.time() + 60)
    assert refused.value.status == 408
    with pytest.raises(TimeoutError):
        await body(MemoryBudget(1000), []).in_time(asyncio.Event().wait(), loop.time() + 0.01)
