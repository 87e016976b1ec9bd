from pathlib import Path

import pytest
from inference_api.process.prestop import drain, open_connections
from inference_api.process.scoreboard import Scoreboard


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(
    ("closed_after", "ends_after", "left"),
    [
        pytest.param(0, 10, 0, id="not-before-everyone-knows"),
        pytest.param(14, 14, 0, id="with-the-last-connection"),
        pytest.param(1000, 30, 3, id="not-for-ever"),
    ],
)
def test_it_ends_when_no_connection_is_open(closed_after: float, ends_after: float, left: int) -> None:
    clock = Clock()
    count = drain(lambda: 3 if clock.seconds < closed_after else 0, 10, clock.now, clock.sleep)
    assert count == left
    assert clock.seconds == pytest.approx(ends_after, abs=0.3)


def test_connections_of_all_workers_count(tmp_path: Path) -> None:
    with Scoreboard.create(tmp_path) as scoreboard:
        scoreboard.claim(1)({"openConnections": 2})
        scoreboard.claim(2)
        scoreboard.claim(3)({"openConnections": 3})
        assert open_connections(scoreboard) == 5
