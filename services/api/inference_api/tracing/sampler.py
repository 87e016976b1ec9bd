"""Which requests are traced from the start, so that Triton's own spans join them."""

import math
from collections.abc import Callable

from medinfer_common.tracing.trace_context import Parent

_IDS = 2**64


class Sampler:
    """`ratio` of the requests without a parent; one with a parent is what the parent is.

    At most `max_per_second`, whoever asks: a client may call each of its requests sampled, and a Triton does not stand
    any number of traced requests. `note_limited` hears of each that is above it. `now` gives seconds.
    """

    def __init__(
        self, ratio: float, max_per_second: int, now: Callable[[], float], note_limited: Callable[[], None]
    ) -> None:
        self._bound = round(ratio * _IDS)
        self._max_per_second, self._now, self._note_limited = max_per_second, now, note_limited
        self._second, self._sampled = 0, 0

    def samples(self, trace_id: str, parent: Parent | None) -> bool:
        """Without a parent, all who know the trace's id and the ratio decide alike: by the id's last 64 bits."""
        wanted = parent.is_sampled if parent else int(trace_id[16:], 16) < self._bound
        return wanted and self._has_room()

    def _has_room(self) -> bool:
        second = math.floor(self._now())
        if second != self._second:
            self._second, self._sampled = second, 0
        if self._sampled >= self._max_per_second:
            self._note_limited()
            return False
        self._sampled += 1
        return True
