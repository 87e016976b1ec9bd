"""The bound on the uploads that one process reads at a time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from inference_api.problems import Full, Overloaded


class Readers:
    """At most `most` uploads are read at a time, of one client at most a quarter."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.most_of_a_client = max(1, most // 4)
        self._reading: Counter[str] = Counter()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @contextmanager
    def reading(self, client: str) -> Iterator[None]:
        """While the block runs, an upload of this client is read. Raises Overloaded when there is no room for it."""
        if self._reading[client] >= self.most_of_a_client:
            raise Overloaded(Full.CLIENT_SHARE)
        if self._count >= self.most:
            raise Overloaded(Full.READERS)
        self._reading[client] += 1
        self._count += 1
        try:
            yield
        finally:
            self._count -= 1
            self._reading[client] -= 1
            if not self._reading[client]:
                del self._reading[client]
