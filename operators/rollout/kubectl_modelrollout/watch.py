"""Follows a rollout until it is ready or has failed."""

from collections.abc import Callable

from kubectl_modelrollout.colors import Colors
from kubectl_modelrollout.errors import Problem, Unavailable
from kubectl_modelrollout.rollout import Rollout
from kubectl_modelrollout.status_view import render_status
from kubectl_modelrollout.table import duration, moment

SECONDS = 1.0
HOME, CLEAR_LINE, CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"

Write = Callable[[str], object]


class Screen:
    """A terminal: draws over what it drew before."""

    def __init__(self, colors: Colors, write: Write) -> None:
        self._ink, self._write = colors, write
        write(HOME + CLEAR_REST)

    def show(self, rollout: Rollout, now: int) -> None:
        text = render_status(rollout, now, self._ink) + "\n"
        self._write(HOME + text.replace("\n", f"{CLEAR_LINE}\n") + CLEAR_REST)

    def record(self, trouble: str) -> None:
        self._write(f"\n{trouble}{CLEAR_REST}\r")


class Log:
    """Anything else: a line for each change, and the whole in the end."""

    def __init__(self, colors: Colors, write: Write) -> None:
        self._ink, self._write = colors, write
        self._last: object = None

    def show(self, rollout: Rollout, now: int) -> None:
        seen = rollout.reported
        state = (seen.phase, seen.warm, seen.canary.weight, rollout.status.current_step_index, rollout.is_seen)
        if self._is_new(state):
            self._write(f"{moment(now)} {seen.phase or 'no status yet'}: {seen.message}\n")
        if has_ended(rollout):
            self._write(f"\n{render_status(rollout, now, self._ink)}\n")

    def record(self, trouble: str) -> None:
        if self._is_new(trouble):
            self._write(f"{trouble}\n")

    def _is_new(self, state: object) -> bool:
        before, self._last = self._last, state
        return state != before


def has_ended(rollout: Rollout) -> bool:
    """The release is ready, or it failed."""
    return rollout.is_ready or rollout.is_stalled


def watch(
    read: Callable[[], Rollout],
    view: Screen | Log,
    now: Callable[[], float],
    sleep: Callable[[float], None],
    timeout_seconds: float | None = None,
) -> Rollout:
    """The rollout once it is ready or has failed. Raises Problem when neither happens within `timeout_seconds`.

    An API server that stops answering is waited for. `read`: asks it once; `view`: shows what it said.
    """
    began, rollout = now(), read()
    view.show(rollout, int(began))
    while not has_ended(rollout):
        sleep(SECONDS)
        if timeout_seconds is not None and now() - began >= timeout_seconds:
            seen = f"{rollout.reported.phase or 'no status yet'}: {rollout.reported.message}"
            raise Problem(
                f"the release neither became ready nor failed within {duration(int(timeout_seconds))}; {seen}"
            )
        try:
            rollout = read()
        except Unavailable as error:
            view.record(f"{error}; trying again")
        else:
            view.show(rollout, int(now()))
    return rollout
