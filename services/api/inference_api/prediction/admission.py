"""What one process lets in: uploads that it reads, their bytes, and images that it works on."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from inference_api.access.clients import ANONYMOUS, Client, Priority
from inference_api.prediction.memory_budget import BodyMemory, MemoryBudget
from inference_api.prediction.readers import Readers
from inference_api.problems import Full, Overloaded
from inference_api.quota.limiter import Limiter
from inference_api.routing.traffic import Traffic

# Reading costs next to nothing besides memory, which has a budget of its own.
READERS_PER_PLACE = 4


class Admission:
    """A request first reads its body, as one of the readers. Then it takes as many places as it holds images.

    So whoever sends nothing keeps nobody out. Everything here raises Overloaded when there is no room.

    `urgent_reserve`: of the places, those that only urgent clients get, while there are urgent clients.
    """

    def __init__(self, traffic: Traffic, memory: MemoryBudget, limiter: Limiter, urgent_reserve: int = 0) -> None:
        self._traffic = traffic
        self._memory = memory
        self._urgent_reserve = urgent_reserve
        self.limiter = limiter
        self.readers = Readers(READERS_PER_PLACE * traffic.max_in_flight)

    def reading(self, client: str) -> AbstractContextManager[None]:
        """While the block runs, the process reads an upload of this client."""
        return self.readers.reading(client)

    def body(self, client: str) -> BodyMemory:
        """The memory of one upload."""
        return self._memory.body(client)

    @contextmanager
    def working(self, image_count: int, client: Client = ANONYMOUS) -> Iterator[None]:
        """While the block runs, the process works on so many images. Raises QuotaExceeded, too."""
        is_reserved = self.limiter.has_urgent and client.priority is not Priority.URGENT
        reserve = self._urgent_reserve if is_reserved else 0
        places = min(image_count, self._traffic.max_in_flight - reserve)
        if not self._traffic.take_places(places, reserve):
            raise Overloaded(Full.PLACES)
        try:
            with self.limiter.working(client, image_count):
                yield
        finally:
            self._traffic.give_back_places(places)
