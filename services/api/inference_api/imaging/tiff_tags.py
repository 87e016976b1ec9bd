"""How many tags, strips and bytes of both a TIFF has, read without Pillow, which makes an object of each."""

from inference_api.imaging.unreadable import UnreadableImage

# One strip for each row is usual, and so are strips of 8 KiB.
MAX_STRIPS = 4096
MAX_TAGS = 4096

# BitsPerSample, StripOffsets, StripByteCounts, TileOffsets, TileByteCounts, ExtraSamples, SampleFormat
_LISTS = frozenset({258, 273, 279, 324, 325, 338, 339})
_COLOR_MAP = 320
_MAX_COLORS = 3 * 65_536

# By the type of a tag: TIFF 6.0 page 15, then IFD, and LONG8, SLONG8, IFD8 of BigTIFF.
_VALUE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


def check(data: bytes) -> None:
    """Raises UnreadableImage for too many tags or strips, or where several tags hold the same bytes.

    TIFF 6.0 section 2, and BigTIFF, whose numbers are wider. Only the first directory is read.
    """
    order = "little" if data[:2] == b"II" else "big"
    is_big = 43 in data[2:4]
    word, count_bytes, entry_bytes = (8, 8, 20) if is_big else (4, 2, 12)

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)  # type: ignore[arg-type]  # one of the two it takes

    directory = number(2 * word if is_big else word, word)
    tags = number(directory, count_bytes)
    if tags > MAX_TAGS:
        raise UnreadableImage(f"this TIFF has more than {MAX_TAGS:,} tags")
    first, value_bytes = directory + count_bytes, 0
    for at in range(first, min(first + tags * entry_bytes, len(data)), entry_bytes):
        tag, values = number(at, 2), number(at + 4, word)
        if (tag in _LISTS and values > MAX_STRIPS) or (tag == _COLOR_MAP and values > _MAX_COLORS):
            raise UnreadableImage(f"this TIFF has more than {MAX_STRIPS:,} strips or tiles")
        value_bytes += values * _VALUE_BYTES.get(number(at + 2, 2), 0)
    if value_bytes > len(data):
        raise UnreadableImage("the tags of this TIFF are larger than the file")
