"""The images of one request, from bytes to a version's input tensor."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from inference_api.imaging import formats, images, suitability, tensors
from inference_api.imaging.dicom.parser import is_dicom
from inference_api.imaging.inputs import Inputs
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.imaging.tensors import Shape
from inference_api.prediction import warmup
from inference_api.prediction.memory_budget import BodyMemory, MemoryBudget
from inference_api.prediction.turns import Turn
from inference_api.problems import Overloaded
from inference_api.routing.document import Version
from inference_api.tracing.trace import Trace
from inference_api.transport.request_buffers import FIRST_IMAGE_BYTES, RequestBuffer, RequestBuffers, image_bytes

DECODE_THREADS = 2
MEMORY_POLL_SECONDS = 0.05

T = TypeVar("T")


class Decoder:
    """Decodes a single small image on the event loop, and everything else on DECODE_THREADS threads.

    An image waits at most `max_wait_seconds` for memory to decode it in.
    """

    def __init__(self, max_pixels: int, max_wait_seconds: float, memory: MemoryBudget, buffers: RequestBuffers) -> None:
        self._max_pixels = max_pixels
        self._max_wait_seconds = max_wait_seconds
        self._memory = memory
        self._buffers = buffers
        self._threads = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")
        self._turn = Turn()
        self._dicom_import: asyncio.Task[None] | None = None

    def upload(self, files: Sequence[bytes], memory: BodyMemory | None = None, trace: Trace | None = None) -> "Upload":
        """The images of one request; nothing is decoded yet. `memory` holds the files; None: nobody counts them."""
        in_place = len(files) == 1 and formats.is_small(files[0])
        return Upload(files, memory, self._decode, self._buffers, in_place, trace)

    def import_dicom(self) -> asyncio.Task[None]:
        """Imports pydicom in a thread, once."""
        if self._dicom_import is None:
            self._dicom_import = asyncio.create_task(self._run_in_thread(warmup.import_dicom))
        return self._dicom_import

    async def wait_for_dicom(self, files: Sequence[bytes]) -> None:
        """Returns once pydicom is imported, at once when none of the files is DICOM."""
        if any(map(is_dicom, files)):
            await asyncio.shield(self.import_dicom())

    def close(self) -> None:
        """Ends the threads; images that wait for one are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _decode(self, pending: "Pending", in_place: bool) -> None:
        """Decodes what is pending, as soon as there is memory for it. Raises Problem."""
        if not in_place:  # two threads that begin to import pydicom at once see halves of its modules
            await self.wait_for_dicom(pending.files)
        run = self._turn.run if in_place else self._run_in_thread
        loop = asyncio.get_running_loop()
        until = loop.time() + self._max_wait_seconds
        while True:
            try:
                await run(lambda: pending.work(self._memory, self._max_pixels))
                return
            except Overloaded as overloaded:
                while not self._memory.can_decode(overloaded.needed_bytes):
                    if loop.time() >= until:
                        raise
                    await asyncio.sleep(MEMORY_POLL_SECONDS)

    async def _run_in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class Pending:
    """Images that are to become a tensor. `work` does it, and goes on with the next one when it is called again.

    `seconds` is how long it has worked.
    """

    def __init__(
        self, files: Sequence[bytes], request: RequestBuffer, wanted: Preprocessing, inputs: Inputs | None = None
    ) -> None:
        self.files = files
        self.seconds = 0.0
        self._inputs = inputs
        self._shape = request.shape
        self._left = list(zip(files, request.tensor, strict=True))
        self._wanted = wanted

    def work(self, memory: MemoryBudget, max_pixels: int) -> None:
        """One image after the other, so that one batch holds the memory of one. Raises Problem."""
        began = time.perf_counter()
        try:
            self._work(memory, max_pixels)
        finally:
            self.seconds += time.perf_counter() - began

    def _work(self, memory: MemoryBudget, max_pixels: int) -> None:
        while self._left:
            file, out = self._left[0]
            with memory.decoding() as need:
                picture = images.decode(file, max_pixels, need, self._shape)
                if self._inputs is not None:
                    suitability.check(file, picture, self._inputs)
                pixels = images.pixels(picture, self._wanted, self._shape)
            tensors.fill(out, pixels, self._wanted)
            del self._left[0]


class Upload:
    """The files of one request. `in_place`: they are decoded on the event loop, in a few milliseconds.

    The tensor is made once, and again only for a version that prepares its input differently. `memory` holds the files
    until `close`. Decoded pixels are dropped once they are in the tensor. `decode_seconds` is how long decoding took,
    without what it waited. `trace`: where the attempts belong to; None: nothing is traced.
    """

    def __init__(
        self,
        files: Sequence[bytes],
        memory: BodyMemory | None,
        decode: Callable[[Pending, bool], Awaitable[None]],
        buffers: RequestBuffers,
        in_place: bool,
        trace: Trace | None = None,
    ) -> None:
        self._files = files
        self._memory = memory
        self._decode = decode
        self._buffers = buffers
        self.in_place = in_place
        self.trace = trace
        self.decode_seconds = 0.0
        self._request: RequestBuffer | None = None
        self._prepared: Preprocessing | None = None
        self._checked: Inputs | None = None

    async def prepare(self, version: Version) -> None:
        """Decodes the images as this version wants them, so that bad input is refused before any attempt.

        Raises Problem.
        """
        await self.request_for(version)

    async def request_for(self, version: Version) -> RequestBuffer:
        """The request buffer whose tensor holds the images as this version wants them. Raises Problem."""
        request, wanted = self._buffer(version.contract.shape), version.preprocessing
        inputs = version.inputs
        if wanted != self._prepared or (inputs is not None and inputs != self._checked):
            self._prepared = None
            pending = Pending(self._files, request, wanted, inputs)
            await self._decode(pending, self.in_place)
            self.decode_seconds += pending.seconds
            self._prepared, self._checked = wanted, inputs
        return request

    def _buffer(self, shape: Shape) -> RequestBuffer:
        """The buffer of this shape; one of another shape is given back. Raises Overloaded."""
        if self._request is not None and self._request.shape == shape:
            return self._request
        if self._request is not None:
            self._buffers.give_back(self._request)
            self._request = self._prepared = None
        more_bytes = len(self._files) * (image_bytes(shape) - FIRST_IMAGE_BYTES)
        if self._memory is not None and more_bytes > 0:
            self._memory.hold_tensors(more_bytes)
        self._request = self._buffers.take(len(self._files), shape)
        return self._request

    def close(self) -> None:
        """Gives buffer and memory back. Call it when no exchange uses the buffer any more."""
        if self._memory is not None:
            self._memory.close()
        if self._request is not None:
            self._buffers.give_back(self._request)
            self._request = None
