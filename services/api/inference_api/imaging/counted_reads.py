"""A file in memory that a decoder may read only so often."""

import io

from inference_api.imaging.unreadable import UnreadableImage

# Decoders written in Python read a file segment by segment, at three to five reads each, and hold up the event loop
# meanwhile even on a thread. These are about 4,096 segments.
MAX_READS = 16_384


class CountedReads(io.BytesIO):
    """Raises UnreadableImage when the decoder reads too often. `pieces` says what there are too many of."""

    def __init__(self, data: bytes, pieces: str, max_reads: int = MAX_READS) -> None:
        super().__init__(data)
        self._pieces = pieces
        self._reads_left = max_reads

    def read(self, size: int | None = -1) -> bytes:
        self._reads_left -= 1
        if self._reads_left < 0:
            raise UnreadableImage(f"this file has too many {self._pieces}")
        return super().read(size)
