import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inference_api.routing.counters import LATENCY_BOUNDS_SECONDS, Json, Result, VersionCounters, add, subtract


def test_latency_bounds_grow_slowly_enough_to_compare_percentiles() -> None:
    assert LATENCY_BOUNDS_SECONDS[0] == 0.001
    assert LATENCY_BOUNDS_SECONDS[-1] > 10
    pairs = itertools.pairwise(LATENCY_BOUNDS_SECONDS)
    assert all(1 < after / before <= 1.15 for before, after in pairs)


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        pytest.param(0.0, 0, id="nothing"),
        pytest.param(0.001, 0, id="a-bound-is-inclusive"),
        pytest.param(0.00101, 1, id="just-above"),
        pytest.param(1000, len(LATENCY_BOUNDS_SECONDS), id="the-open-one"),
    ],
)
def test_latency_falls_into_its_bucket(seconds: float, bucket: int) -> None:
    counters = VersionCounters()
    counters.count(Result.GOOD, seconds, ["Glioma"])
    assert [index for index, count in enumerate(counters.latency_buckets) if count] == [bucket]


def test_only_answers_that_a_version_gave_itself_have_latency_and_class() -> None:
    counters = VersionCounters()
    counters.count(Result.GOOD, 0.01, ["Glioma", "Glioma"])
    counters.count(Result.FALLBACK, 5, ["Pituitary"])
    counters.count(Result.FAILED, 0)
    counters.count(Result.LOST, 5, ["Pituitary"])
    document = counters.document()
    assert (document["requests"], document["errors"], document["fallbacks"], document["lost"]) == (3, 2, 1, 1)
    assert (document["latencySumSeconds"], sum(document["latencyBuckets"])) == (0.01, 1)
    assert document["classes"] == {"Glioma": 2}


numbers = st.integers(0, 1000)
rows = st.lists(numbers, min_size=2, max_size=2)
documents = st.fixed_dictionaries(
    {"a": numbers, "rows": st.lists(rows, min_size=2, max_size=2)},
    optional={"b": st.fixed_dictionaries({"c": numbers})},
)


@given(documents, documents)
def test_subtracting_what_was_added_gives_the_rest(one: Json, other: Json) -> None:
    rest = subtract(add(one, other), other)
    assert {key: rest[key] for key in one} == one


@given(documents, documents)
def test_adding_changes_neither_side(one: Json, other: Json) -> None:
    before = add({}, one), add({}, other)
    add(one, other)
    assert (one, other) == before
