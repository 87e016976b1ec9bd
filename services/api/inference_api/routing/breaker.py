"""Stops asking a version when most of its last attempts in this process failed, until the traffic rules change."""

WINDOW = 20
_BITS = (1 << WINDOW) - 1


class Breaker:
    """The last 20 attempts of one version. It never closes again: new traffic rules bring a new breaker."""

    def __init__(self) -> None:
        self._failures = 0  # one bit per attempt, the newest is the lowest
        self.is_open = False

    def record(self, good: bool) -> None:
        """Notes one attempt; opens when more than half of the last 20 failed."""
        self._failures = (self._failures << 1 | (not good)) & _BITS
        if self._failures.bit_count() > WINDOW // 2:
            self.is_open = True
