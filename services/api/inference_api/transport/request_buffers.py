"""The memory in which a request to Triton is made, [room for the head | float32 tensor]; it is sent without a copy."""

import math

import numpy as np
from numpy.typing import NDArray

from inference_api.imaging.tensors import FIRST_SHAPE, Shape

HEAD_ROOM_BYTES = 2048
FIRST_IMAGE_BYTES = 4 * math.prod(FIRST_SHAPE)
_MAX_FREE_BYTES = 32 * FIRST_IMAGE_BYTES  # of each shape
_MAX_SHAPES = 2  # stable's and the canary's


class RequestBuffer:
    """`tensor` is float32 [batch_size, *shape] in the buffer itself."""

    def __init__(self, batch_size: int, shape: Shape = FIRST_SHAPE) -> None:
        self._memory = bytearray(HEAD_ROOM_BYTES + batch_size * image_bytes(shape))
        self._view = memoryview(self._memory)
        tensor = np.frombuffer(self._memory, dtype=np.float32, offset=HEAD_ROOM_BYTES)
        self.tensor: NDArray[np.float32] = tensor.reshape(batch_size, *shape)
        self.batch_size = batch_size
        self.shape = shape

    def with_head(self, head: bytes) -> memoryview:
        """The whole request, with the head directly before the tensor. Raises ValueError when the head is too long."""
        start = HEAD_ROOM_BYTES - len(head)
        if start < 0:
            raise ValueError(f"the request's head has {len(head)} bytes; there is room for {HEAD_ROOM_BYTES}")
        self._memory[start:HEAD_ROOM_BYTES] = head
        return self._view[start:]


class RequestBuffers:
    """Reuses buffers of one image. Those of a batch are too large to keep."""

    def __init__(self) -> None:
        self._free: dict[Shape, list[RequestBuffer]] = {}

    def take(self, batch_size: int, shape: Shape = FIRST_SHAPE) -> RequestBuffer:
        """A buffer for this many images of this shape."""
        free = self._free.get(shape)
        return free.pop() if batch_size == 1 and free else RequestBuffer(batch_size, shape)

    def give_back(self, buffer: RequestBuffer) -> None:
        """Only for a buffer that no exchange uses any more."""
        if buffer.batch_size != 1:
            return
        free = self._free.get(buffer.shape)
        if free is None:
            if len(self._free) == _MAX_SHAPES:
                del self._free[next(iter(self._free))]
            free = self._free[buffer.shape] = []
        if len(free) * image_bytes(buffer.shape) < _MAX_FREE_BYTES:
            free.append(buffer)


def image_bytes(shape: Shape) -> int:
    """Bytes of one image's tensor."""
    return 4 * math.prod(shape)
