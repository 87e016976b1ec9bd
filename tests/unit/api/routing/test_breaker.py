import pytest
from inference_api.routing.breaker import WINDOW, Breaker


@pytest.mark.parametrize(
    ("attempts", "is_open"),
    [
        pytest.param("", False, id="nothing-tried"),
        pytest.param("x" * 10, False, id="half-of-the-window-failed"),
        pytest.param("x" * 11, True, id="most-of-the-window-failed-early"),
        pytest.param("." * 20 + "x" * 10, False, id="half-of-the-last-20"),
        pytest.param("." * 20 + "x" * 11, True, id="most-of-the-last-20"),
        pytest.param("x." * 200, False, id="every-second-one"),
        pytest.param("xx." * 10, True, id="two-of-three"),
        pytest.param("x" * 10 + "." * 20 + "x" * 10, False, id="old-failures-are-forgotten"),
        pytest.param("x" * 11 + "." * WINDOW, True, id="it-never-closes-by-itself"),
    ],
)
def test_most_of_the_last_attempts(attempts: str, is_open: bool) -> None:
    breaker = Breaker()
    for attempt in attempts:
        breaker.record(attempt == ".")
    assert breaker.is_open is is_open
