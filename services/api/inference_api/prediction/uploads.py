"""The images of one request, from bytes to the tensor that a version wants."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from inference_api.imaging import images, tensors
from inference_api.imaging.image_sizes import is_small
from inference_api.imaging.preprocessing import Preprocessing
from inference_api.routing.document import Version
from inference_api.transport.request_buffers import RequestBuffer, RequestBuffers

DECODE_THREADS = 2

T = TypeVar("T")


class Decoder:
    """Prepares one small image in place, anything larger in a few threads."""

    def __init__(self, max_pixels: int, buffers: RequestBuffers) -> None:
        self._max_pixels = max_pixels
        self._buffers = buffers
        self._threads = ThreadPoolExecutor(DECODE_THREADS, thread_name_prefix="decode")

    def upload(self, files: Sequence[bytes]) -> "Upload":
        in_place = len(files) == 1 and is_small(files[0])
        return Upload(files, self._max_pixels, self._buffers, self._run, in_place)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, in_place: bool, work: Callable[[], T]) -> T:
        if in_place:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


class Upload:
    """Images as they came; `in_place`: preparing them takes milliseconds, and no thread.

    The tensor is made once, and anew only for a version that prepares its input differently.
    No decoded image outlives the making of its tensor: a hundred requests would hold gigabytes of pixels.
    """

    def __init__(
        self,
        files: Sequence[bytes],
        max_pixels: int,
        buffers: RequestBuffers,
        run: Callable[[bool, Callable[[], None]], Awaitable[None]],
        in_place: bool,
    ) -> None:
        self._files = files
        self._max_pixels = max_pixels
        self._buffers = buffers
        self._run = run
        self.in_place = in_place
        self._request: RequestBuffer | None = None
        self._prepared: Preprocessing | None = None

    async def request_for(self, version: Version) -> RequestBuffer:
        """The request buffer whose tensor holds the images as this version wants them; raises Problem."""
        if self._request is None:
            self._request = self._buffers.take(len(self._files))
        request, wanted = self._request, version.preprocessing
        if wanted != self._prepared:
            self._prepared = None
            await self._run(self.in_place, lambda: self._fill(request, wanted))
            self._prepared = wanted
        return request

    def close(self) -> None:
        """Gives the buffer back; only when no exchange uses it any more."""
        if self._request is not None:
            self._buffers.give_back(self._request)
            self._request = None

    def _fill(self, request: RequestBuffer, wanted: Preprocessing) -> None:
        for file, out in zip(self._files, request.tensor, strict=True):
            tensors.fill(out, images.pixels(images.decode(file, self._max_pixels), wanted), wanted)
