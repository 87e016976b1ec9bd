"""The permission to decode an image, asked for when its header is known and before anything is allocated."""

from typing import Protocol


class Admit(Protocol):
    """Raises Problem when the image is too large, or when there is no memory to decode it."""

    def __call__(self, kind: str, width: int, height: int, more_bytes: int = 0) -> None:
        """`kind` is a row of decode_memory; `width` x `height` the pixels that are decoded at once.

        `more_bytes`: what this file's decoder takes besides, whatever its size.
        """
