"""What one process lets in: uploads that it reads, their bytes, and images that it works on."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from inference_api.prediction.memory_budget import BodyMemory, MemoryBudget
from inference_api.prediction.readers import Readers
from inference_api.problems import Full, Overloaded
from inference_api.routing.traffic import Traffic

# Reading costs next to nothing besides memory, which has a budget of its own.
READERS_PER_PLACE = 4


class Admission:
    """A request first reads its body, as one of the readers. Then it takes as many places as it holds images.

    So whoever sends nothing keeps nobody out. Everything here raises Overloaded when there is no room.
    """

    def __init__(self, traffic: Traffic, memory: MemoryBudget) -> None:
        self._traffic = traffic
        self._memory = memory
        self.readers = Readers(READERS_PER_PLACE * traffic.max_in_flight)

    def reading(self, client: str) -> AbstractContextManager[None]:
        """While the block runs, the process reads an upload of this client."""
        return self.readers.reading(client)

    def body(self, client: str) -> BodyMemory:
        """The memory of one upload."""
        return self._memory.body(client)

    @contextmanager
    def working(self, image_count: int) -> Iterator[None]:
        """While the block runs, the process works on so many images."""
        with self._traffic.admission(min(image_count, self._traffic.max_in_flight)) as admitted:
            if not admitted:
                raise Overloaded(Full.PLACES)
            yield
