"""Who is traced: the share that was asked for, whom the caller traces, and never more than a number a second."""

import random
from collections import Counter

import pytest
from inference_api.tracing.sampler import Sampler
from medinfer_common.tracing.trace_context import Parent


def ids(count: int) -> list[str]:
    numbers = random.Random(7)
    return [f"{numbers.getrandbits(128):032x}" for _ in range(count)]


def parent(*, is_sampled: bool) -> Parent:
    return Parent("1" * 32, 1, is_sampled)


@pytest.mark.parametrize(
    ("ratio", "least", "most"), [(0.0, 0, 0), (0.01, 60, 140), (0.5, 4800, 5200), (1.0, 10**4, 10**4)]
)
def test_share_of_those_without_a_parent(ratio: float, least: int, most: int) -> None:
    sampler = Sampler(ratio, 10**6, lambda: 0.0, lambda: None)
    assert least <= sum(sampler.samples(id, None) for id in ids(10**4)) <= most


def test_all_who_know_the_ratio_decide_alike() -> None:
    one, other = (Sampler(0.5, 10**6, lambda: 0.0, lambda: None) for _ in range(2))
    assert all(one.samples(id, None) == other.samples(id, None) for id in ids(1000))


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_the_parent_decides(ratio: float) -> None:
    sampler = Sampler(ratio, 10**6, lambda: 0.0, lambda: None)
    assert [sampler.samples(ids(1)[0], parent(is_sampled=sampled)) for sampled in (True, False)] == [True, False]


def test_a_client_that_samples_everything_is_traced_so_often_a_second() -> None:
    seconds, limited = [100.0], Counter[str]()
    sampler = Sampler(0.0, 3, lambda: seconds[0], lambda: limited.update(["limited"]))
    for _ in range(2):
        assert [sampler.samples("1" * 32, parent(is_sampled=True)) for _ in range(5)] == [True] * 3 + [False] * 2
        seconds[0] += 1
    assert limited["limited"] == 4
