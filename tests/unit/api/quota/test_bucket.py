"""The bucket of one client: a minute's worth of a rate, as one float."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_api.quota.bucket import WINDOW_SECONDS, Bucket

SECOND = 1.0  # the cost of one of 60 images a minute


def let_in(bucket: Bucket, cost: float, now: float) -> bool:
    if bucket.wait_seconds(cost, now):
        return False
    bucket.take(cost, now)
    return True


@pytest.mark.parametrize(
    ("taken", "at", "cost", "wait"),
    [
        pytest.param([], 0, SECOND, 0, id="fresh"),
        pytest.param([SECOND] * 59, 0, SECOND, 0, id="the-last-one"),
        pytest.param([SECOND] * 60, 0, SECOND, 1, id="empty"),
        pytest.param([SECOND] * 60, 0.5, SECOND, 0.5, id="soon"),
        pytest.param([SECOND] * 60, 1, SECOND, 0, id="refilled-by-one"),
        pytest.param([SECOND] * 60, 1, 8 * SECOND, 7, id="a-batch-waits-for-all-of-it"),
        pytest.param([SECOND] * 60, 10**6, 60 * SECOND, 0, id="never-more-than-full"),
        pytest.param([], 0, 96, 0, id="more-than-a-minute-when-full"),
        pytest.param([SECOND], 0, 96, 1, id="more-than-a-minute-waits-until-full"),
        pytest.param([96], 0, 12, 48, id="and-the-next-one-waits-longer"),
        pytest.param([0.1] * 599, 0, 0.1, 0, id="tenths-do-not-add-up-to-less"),
    ],
)
def test_wait(taken: list[float], at: float, cost: float, wait: float) -> None:
    bucket = Bucket()
    for one in taken:
        assert let_in(bucket, one, 0)
    assert bucket.wait_seconds(cost, at) == pytest.approx(wait, abs=1e-6)


def test_after_the_wait_it_is_let_in() -> None:
    bucket = Bucket()
    for _ in range(60):
        bucket.take(SECOND, 5)
    assert not let_in(bucket, 8, 5)
    assert let_in(bucket, 8, 5 + bucket.wait_seconds(8, 5))


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 8)), max_size=100), st.floats(0.05, 20))
def test_no_window_gets_more_than_the_bound(requests: list[tuple[float, int]], image_seconds: float) -> None:
    bucket, now, got = Bucket(), 0.0, [(0.0, 0.0)]
    for pause, images in requests:
        now += pause
        if let_in(bucket, images * image_seconds, now):
            got.append((now, images * image_seconds))
    for start in range(1, len(got)):
        taken = 0.0
        for at, cost in got[start:]:
            taken += cost
            assert taken <= max(WINDOW_SECONDS, 8 * image_seconds) + at - got[start][0] + 1e-3
