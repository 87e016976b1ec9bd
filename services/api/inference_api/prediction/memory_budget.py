"""The bytes that one worker may use for uploads and for decoding them, taken before the work."""

import threading
from collections import Counter

from inference_api import problems
from inference_api.problems import Full, Overloaded


class MemoryBudget:
    """`total_bytes` for two uses: bodies of uploads, and decoding. Images are decoded on threads, so this is locked.

    Bodies have at most half, those of one client at most a quarter. Decoding has what bodies leave, and never the last
    quarter, so that small uploads go on while a large image is decoded.
    """

    def __init__(self, total_bytes: int) -> None:
        self.total_bytes = total_bytes
        self.max_client_bytes = total_bytes // 4
        self.max_bodies_bytes = total_bytes // 2
        self.max_decoding_bytes = total_bytes - total_bytes // 4
        self._bodies: Counter[str] = Counter()
        self._bodies_bytes = 0
        self._decoding_bytes = 0
        self._lock = threading.Lock()

    @property
    def used_bytes(self) -> int:
        """What is taken now."""
        return self._bodies_bytes + self._decoding_bytes

    def body(self, client: str) -> "BodyMemory":
        """The memory of one upload of this client; nothing is taken yet."""
        return BodyMemory(self, client)

    def take_body(self, client: str, size: int) -> None:
        """Raises Overloaded when it is not free."""
        with self._lock:
            if self._bodies[client] + size > self.max_client_bytes:
                raise Overloaded(Full.CLIENT_SHARE, size)
            if self._bodies_bytes + size > self.max_bodies_bytes or self.used_bytes + size > self.total_bytes:
                raise Overloaded(Full.MEMORY, size)
            self._bodies[client] += size
            self._bodies_bytes += size

    def give_back_body(self, client: str, size: int) -> None:
        """What `take_body` took."""
        with self._lock:
            self._bodies_bytes -= size
            self._bodies[client] -= size
            if self._bodies[client] <= 0:
                del self._bodies[client]  # there may be any number of clients in a day

    def decoding(self) -> "DecodingMemory":
        """The memory for one image; nothing is taken yet."""
        return DecodingMemory(self)

    def can_decode(self, size: int) -> bool:
        """Whether so much is free for decoding now."""
        reserve = max(self._bodies_bytes, self.total_bytes - self.max_decoding_bytes)
        return self._decoding_bytes + size <= self.total_bytes - reserve

    def take_decoding(self, size: int, more: int) -> None:
        """`more` for an image that takes `size` with it. Raises Overloaded, and Problem (413) if it never is free."""
        if size > self.max_decoding_bytes:
            raise problems.too_much_memory(size, self.max_decoding_bytes)
        with self._lock:
            if not self.can_decode(more):
                raise Overloaded(Full.MEMORY, size)
            self._decoding_bytes += more

    def give_back_decoding(self, size: int) -> None:
        """What `take_decoding` took."""
        with self._lock:
            self._decoding_bytes -= size


class BodyMemory:
    """What one upload holds of the budget, from its head until its images are no longer needed."""

    def __init__(self, budget: MemoryBudget, client: str) -> None:
        self._budget = budget
        self._client = client
        self._held_bytes = 0
        self._tensor_bytes = 0

    def hold(self, size: int) -> None:
        """Holds at least this much from now on. Raises Overloaded when it is not free."""
        if size > self._held_bytes:
            self._budget.take_body(self._client, size - self._held_bytes)
            self._held_bytes = size

    def hold_tensors(self, size: int) -> None:
        """Holds this much for tensors, besides the files; the most that it was called with. Raises Overloaded."""
        if size > self._tensor_bytes:
            self.hold(self._held_bytes - self._tensor_bytes + size)
            self._tensor_bytes = size

    def close(self) -> None:
        """Gives everything back; a second time does nothing."""
        if self._held_bytes:
            self._budget.give_back_body(self._client, self._held_bytes)
            self._held_bytes = 0


class DecodingMemory:
    """What one image holds of the budget while a block runs with it: the most that it was called with.

    Calling it raises Overloaded when that is not free, and Problem (413) when it never will be.
    """

    def __init__(self, budget: MemoryBudget) -> None:
        self._budget = budget
        self._held_bytes = 0

    def __enter__(self) -> "DecodingMemory":
        return self

    def __call__(self, size: int) -> None:
        if size > self._held_bytes:
            self._budget.take_decoding(size, size - self._held_bytes)
            self._held_bytes = size

    def __exit__(self, *_: object) -> None:
        self._budget.give_back_decoding(self._held_bytes)
