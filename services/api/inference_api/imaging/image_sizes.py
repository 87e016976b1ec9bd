"""How many pixels an encoded image announces, read from its first bytes without decoding.

Small ones are decoded on the event loop, since handing them to a thread costs more than it gives.
"""

INLINE_PIXELS = 1_048_576  # about 4 ms of decoding
_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # SOFn of ITU T.81 table B.1, without DHT, JPG, DAC


def is_small(data: bytes) -> bool:
    """Whether decoding takes a few milliseconds. False for what is not understood here; nothing is refused."""
    pixels = _pixels(data)
    return pixels is not None and pixels <= INLINE_PIXELS


def _pixels(data: bytes) -> int | None:
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])
    if data.startswith(b"BM"):
        width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
        return abs(width * height)
    return None


def _jpeg(data: bytes) -> int | None:
    """Walks the segments up to the frame header; gives up where one is not where it should be."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _JPEG_SIZES:
            return int.from_bytes(data[at + 5 : at + 7]) * int.from_bytes(data[at + 7 : at + 9])
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None
