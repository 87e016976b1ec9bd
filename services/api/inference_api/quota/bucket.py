"""The generic cell rate algorithm (ITU-T I.371): a token bucket as one float."""

WINDOW_SECONDS = 60
_ROUNDING_SECONDS = 1e-6


class Bucket:
    """Holds a minute's worth of a rate. Costs are in seconds of that rate, so that another rate keeps the level.

    `full_at`: when it is full again. A cost above the whole bucket is let in when the bucket is full, and the next one
    waits longer for it. So no window of t seconds gets more than `max(60, largest cost) + t` seconds' worth.
    """

    __slots__ = ("full_at",)

    def __init__(self, full_at: float = float("-inf")) -> None:
        self.full_at = full_at

    def wait_seconds(self, cost_seconds: float, now: float) -> float:
        """How long until this cost is let in; 0: now."""
        wait = max(self.full_at, now) + cost_seconds - max(WINDOW_SECONDS, cost_seconds) - now
        return wait if wait > _ROUNDING_SECONDS else 0.0

    def take(self, cost_seconds: float, now: float) -> None:
        """Takes this cost, whether or not it is let in."""
        self.full_at = max(self.full_at, now) + cost_seconds

    def left_seconds(self, now: float) -> float:
        """What is in it; below 0 after a cost above the whole bucket."""
        return WINDOW_SECONDS - max(self.full_at - now, 0.0)
