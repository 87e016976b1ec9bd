"""The memory in which a request to Triton is made, [room for the head | float32 tensor]; it is sent without a copy."""

import numpy as np
from numpy.typing import NDArray

from inference_api.imaging.tensors import SHAPE

HEAD_ROOM_BYTES = 2048
_IMAGE_BYTES = int(np.prod(SHAPE)) * 4
_MAX_FREE = 32


class RequestBuffer:
    """`tensor` is float32 [batch_size, 3, 224, 224] in the buffer itself."""

    def __init__(self, batch_size: int) -> None:
        self._memory = bytearray(HEAD_ROOM_BYTES + batch_size * _IMAGE_BYTES)
        self._view = memoryview(self._memory)
        tensor = np.frombuffer(self._memory, dtype=np.float32, offset=HEAD_ROOM_BYTES)
        self.tensor: NDArray[np.float32] = tensor.reshape(batch_size, *SHAPE)
        self.batch_size = batch_size

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
        self._free: list[RequestBuffer] = []

    def take(self, batch_size: int) -> RequestBuffer:
        """A buffer for this many images."""
        return self._free.pop() if batch_size == 1 and self._free else RequestBuffer(batch_size)

    def give_back(self, buffer: RequestBuffer) -> None:
        """Only for a buffer that no exchange uses any more."""
        if buffer.batch_size == 1 and len(self._free) < _MAX_FREE:
            self._free.append(buffer)
