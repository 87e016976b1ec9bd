"""Following a release to its end."""

from collections.abc import Callable, Iterator

import pytest
from kubectl_modelrollout.errors import Problem, Unavailable
from kubectl_modelrollout.rollout import Rollout
from kubectl_modelrollout.watch import CLEAR_REST, HOME, Log, Screen, watch

from tests.unit.kubectl.rollouts import PLAIN, rollout
from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster


class Slept:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def follow(
    read: Callable[[], Rollout], timeout_seconds: float | None = None, view: type[Screen | Log] = Log
) -> tuple[Rollout, list[str]]:
    written, clock = list[str](), Slept()
    last = watch(read, view(PLAIN, written.append), clock.now, clock.sleep, timeout_seconds)
    return last, written


def ticking(made: Cluster) -> Callable[[], Rollout]:
    return lambda: rollout(made.run(1))


@pytest.mark.parametrize("view", [Log, Screen])
@pytest.mark.parametrize(("bad", "ready"), [(Behaviour(), True), (Behaviour(fails="GoldenMismatch"), False)])
def test_it_ends_when_the_release_ends(bad: Behaviour, ready: bool, view: type[Screen | Log]) -> None:
    last, written = follow(ticking(release(cluster(bad))), view=view)
    assert (last.is_ready, last.is_stalled) == (ready, not ready)
    assert len(written) > 2


def test_a_log_has_a_line_for_each_change_and_the_whole_in_the_end() -> None:
    made = release(cluster())
    _, written = follow(lambda: rollout(made) if made.phase == "Shadowing" and made.run(1) else rollout(made.run(1)))
    *changes, whole = written
    assert len(changes) == len(set(changes))
    assert [line.split()[1] for line in changes].count("Shadowing:") <= 2
    assert "VERSIONS" not in "".join(changes) and "VERSIONS" in whole


def test_a_screen_is_drawn_over() -> None:
    _, written = follow(ticking(release(cluster())), view=Screen)
    assert all(text.startswith(HOME) and text.endswith(CLEAR_REST) for text in written)


def test_an_edit_that_nobody_looked_at_yet_is_not_the_end() -> None:
    made = cluster()
    made.edit(version=1)
    seen = iter([rollout(made), rollout(made), rollout(made.run(2))])
    last, _ = follow(lambda: next(seen))
    assert last.is_ready and last.generation == made.spec.generation


def away_after(made: Cluster, looks: int) -> Iterator[Rollout | None]:
    """None: the API server does not answer."""
    for number in range(200):
        yield None if looks <= number < looks + 3 else rollout(made.run(1))


def test_an_api_server_that_goes_away_is_waited_for() -> None:
    seen = away_after(release(cluster()), 2)

    def read() -> Rollout:
        found = next(seen)
        if found is None:
            raise Unavailable("the API server does not answer")
        return found

    last, written = follow(read)
    assert last.is_ready
    assert written.count("the API server does not answer; trying again\n") == 1


def test_an_api_server_that_was_never_there_is_not() -> None:
    def read() -> Rollout:
        raise Unavailable("the API server does not answer")

    with pytest.raises(Unavailable):
        follow(read)


def test_a_release_that_waits_runs_into_the_timeout() -> None:
    made = release(cluster(), approvals=())
    with pytest.raises(Problem, match="neither became ready nor failed within 1m 0s; Paused: v2 at 0 %, step 2/7"):
        follow(ticking(made), timeout_seconds=60)
