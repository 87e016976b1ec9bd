"""The bound on the uploads that one process reads at a time."""

from collections import Counter

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

    def reading(self, client: str) -> "Reading":
        """While a block runs with it, an upload of this client is read."""
        return Reading(self, client)

    def begin(self, client: str) -> None:
        """An upload of this client is read. Raises Overloaded when there is no room for it."""
        if self._reading[client] >= self.most_of_a_client:
            raise Overloaded(Full.CLIENT_SHARE)
        if self._count >= self.most:
            raise Overloaded(Full.READERS)
        self._reading[client] += 1
        self._count += 1

    def end(self, client: str) -> None:
        """The upload of a `begin` is read, or given up."""
        self._count -= 1
        self._reading[client] -= 1
        if not self._reading[client]:
            del self._reading[client]


class Reading:
    """A context manager, and not a generator: that would cost three times as much, for each request."""

    def __init__(self, readers: Readers, client: str) -> None:
        self._readers = readers
        self._client = client

    def __enter__(self) -> None:
        self._readers.begin(self._client)

    def __exit__(self, *_: object) -> None:
        self._readers.end(self._client)
