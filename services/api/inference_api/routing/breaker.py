"""When a version's attempts in this process mostly fail, it is not chosen again until the traffic rules change."""

WINDOW = 20
_BITS = (1 << WINDOW) - 1


class Breaker:
    """A ring of the last 20 attempts of one version. It never closes by itself: new rules bring a new one."""

    def __init__(self) -> None:
        self._failures = 0  # one bit an attempt, the newest lowest
        self.is_open = False

    def record(self, good: bool) -> None:
        self._failures = (self._failures << 1 | (not good)) & _BITS
        if self._failures.bit_count() > WINDOW // 2:
            self.is_open = True
