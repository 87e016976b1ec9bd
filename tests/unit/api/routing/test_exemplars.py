"""Which trace stands for a bucket of latencies."""

import pytest
from inference_api.routing.counters import LATENCY_BOUNDS_SECONDS, Json
from inference_api.routing.exemplars import Exemplar, Exemplars, newest

FAST = LATENCY_BOUNDS_SECONDS[0]
OLD, NEW = Exemplar("a" * 32, FAST, 100.0), Exemplar("b" * 32, FAST, 200.0)
SLOW = Exemplar("c" * 32, 1e6, 50.0)


def one(*noted: Exemplar) -> Json:
    exemplars = Exemplars()
    for exemplar in noted:
        exemplars.note(1, exemplar)
    return exemplars.document()


@pytest.mark.parametrize(
    ("documents", "expected"),
    [
        pytest.param([], {}, id="no-worker"),
        pytest.param([one(OLD, NEW)], {"1": {0: NEW}}, id="the-next-takes-the-place-of-the-one-before"),
        pytest.param([one(NEW), one(OLD)], {"1": {0: NEW}}, id="the-newest-of-two-workers"),
        pytest.param([one(OLD), one(NEW)], {"1": {0: NEW}}, id="in-any-order"),
        pytest.param(
            [one(OLD, SLOW)], {"1": {0: OLD, len(LATENCY_BOUNDS_SECONDS): SLOW}}, id="one-for-each-bucket-and-beyond"
        ),
    ],
)
def test_the_newest_of_each_bucket_stands_for_it(
    documents: list[Json], expected: dict[str, dict[int, Exemplar]]
) -> None:
    assert newest(documents) == expected


def test_those_of_a_forgotten_version_go() -> None:
    exemplars = Exemplars()
    exemplars.note(1, OLD)
    exemplars.note(2, NEW)
    exemplars.keep_only({2, 3})
    assert exemplars.document().keys() == {"2"}
