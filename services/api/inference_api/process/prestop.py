"""`python -m inference_api.process.prestop`: the pod's preStop hook, which runs before its processes get SIGTERM.

It turns /ready to 503 and has every response close its connection. It returns when no connection is open, at the
earliest after DRAIN_SECONDS, because clients connect until all have learnt that the pod ends, and at the latest after
three times as long.
"""

import sys
import time
from collections.abc import Callable

from inference_api.process.scoreboard import FILE_NAME, Scoreboard
from inference_api.settings import PREFIX, InvalidSettings, read_settings

_POLL_SECONDS = 0.2


def main() -> int:
    """The exit status."""
    try:
        settings = read_settings()
        if settings.runtime_dir is None:
            raise InvalidSettings(f"{PREFIX}RUNTIME_DIR is not set: set it to the folder that the API was started with")
        scoreboard = Scoreboard(settings.runtime_dir / FILE_NAME)
    except (InvalidSettings, OSError, ValueError) as error:
        print(f"inference-api prestop: {error}", file=sys.stderr)
        return 1
    scoreboard.start_draining()
    left = drain(lambda: open_connections(scoreboard), settings.drain_seconds, time.monotonic, time.sleep)
    print(f"inference-api prestop: drained, {left} connections are still open", file=sys.stderr)
    return 0


def open_connections(scoreboard: Scoreboard) -> int:
    """How many clients are connected, summed over the workers."""
    _, live = scoreboard.read()
    return sum(snapshot["openConnections"] for snapshot in live if snapshot)


def drain(
    count: Callable[[], int], drain_seconds: float, now: Callable[[], float], sleep: Callable[[float], None]
) -> int:
    """Waits until the pod may end; returns how many connections are still open."""
    started = now()
    while True:
        left, passed = count(), now() - started
        if passed >= 3 * drain_seconds or (passed >= drain_seconds and left == 0):
            return left
        sleep(_POLL_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
