"""The parts of a form, as python-multipart's parser calls back. Only those named `image` are kept."""

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from inference_api import problems

# A form has a handful of fields; each costs parsing time on the event loop.
MAX_OTHER_PARTS = 64
# What a mail program says to readers that know no MIME is a line or two.
MAX_PREAMBLE_BYTES = 4096

_KEPT_HEADERS = {b"content-disposition", b"content-transfer-encoding", b"content-type"}
_PADDING = (b" ", b"\t")
# RFC 2045, 6.2: these three are the bytes themselves.
_PLAIN = {b"", b"7bit", b"8bit", b"binary"}


class Parts:
    """Takes the body in chunks of any size; `images` are the contents of the parts named `image`, in order.

    What stands before the first boundary and after the last is ignored (RFC 2046, 5.1.1).
    Raises Problem (400, 415, 422).
    """

    def __init__(self, boundary: bytes, max_images: int) -> None:
        self._max_images = max_images
        self._images: list[list[bytes]] = []
        self._other_parts = 0
        self._chunks: list[bytes] | None = None
        self._header = self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._delimiter = b"--" + boundary
        self._preamble = b""
        self._started = self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_end": self._on_end,
                },
            )
        except FormParserError:
            raise problems.malformed("the boundary is too long") from None

    def write(self, chunk: bytes) -> None:
        if not self._started:
            chunk = self._skip_preamble(chunk)
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise problems.malformed(f"{error}".rstrip(".").lower()) from None

    def images(self) -> list[bytes]:
        if not self._ended:
            raise problems.malformed(self._unended())
        if not self._images:
            raise problems.no_image()
        images = [chunks[0] if len(chunks) == 1 else b"".join(chunks) for chunks in self._images]
        if not all(images):
            raise problems.empty_image()
        return images

    def _skip_preamble(self, chunk: bytes) -> bytes:
        """What is to be parsed: nothing until the first boundary is there, with a byte after it that is no padding."""
        chunk, line = self._preamble + chunk, b"\n" + self._delimiter
        longest = MAX_PREAMBLE_BYTES + len(line)
        at = (b"\n" + chunk[:longest]).find(line)
        if at < 0 and len(chunk) >= longest:
            raise problems.malformed(f"its first {MAX_PREAMBLE_BYTES:,} bytes do not hold the boundary of Content-Type")
        end = at + len(self._delimiter)
        if at >= 0 and chunk[end : end + 1] in _PADDING:  # after later boundaries python-multipart itself skips it
            chunk = chunk[:end] + chunk[end:].lstrip(b" \t")
        self._started = at >= 0 and len(chunk) > end
        self._preamble = b"" if self._started else chunk
        return chunk[at:] if self._started else b""

    def _unended(self) -> str:
        if self._started or not self._preamble.strip():
            return "it ends before its closing boundary"
        return "it does not hold the boundary that the Content-Type header names"

    def _on_part_begin(self) -> None:
        self._chunks = None
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        name = self._header.lower()
        if name in _KEPT_HEADERS:
            self._headers[name] = self._value
        self._header = self._value = b""

    def _on_headers_finished(self) -> None:
        _, parameters = parse_options_header(self._headers.get(b"content-disposition"))
        if parameters.get(b"name") == b"image":
            self._begin_image()
        else:
            self._skip_part()

    def _begin_image(self) -> None:
        if len(self._images) == self._max_images:
            raise problems.too_many_images(self._max_images)
        encoding = self._headers.get(b"content-transfer-encoding", b"").strip().lower()
        if encoding not in _PLAIN:
            raise problems.encoded("part `image` has Content-Transfer-Encoding", encoding)
        if self._headers.get(b"content-type", b"").lower().startswith(b"multipart/"):
            raise problems.malformed("the part `image` is a form of its own; send each file in a part of its own")
        self._chunks = []
        self._images.append(self._chunks)

    def _skip_part(self) -> None:
        self._other_parts += 1
        if self._other_parts > MAX_OTHER_PARTS:
            raise problems.malformed(f"it holds more than {MAX_OTHER_PARTS} parts besides the image")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._chunks is not None:
            self._chunks.append(data[start:end])

    def _on_end(self) -> None:
        self._ended = True
