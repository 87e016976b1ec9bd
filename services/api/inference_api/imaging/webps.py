"""WebP, by the libwebp of Pillow's plugin: the same calls, none of which holds the GIL.

The plugin holds it while it copies the file, copies all pixels and frees its canvases. At 40 million pixels the event
loop stood still for 0.1 to 0.25 s. `ctypes` lets the GIL go for each call, and nothing is copied but into the result.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from PIL import (
    Image,
    WebPImagePlugin,  # noqa: F401 - registers the writer, which the warm-up uses
    _webp,
)

from inference_api.imaging import image_sizes, lossless_webps
from inference_api.imaging.admit import Admit

KIND = "WEBP"

# libwebp refuses callers whose first digit is another one; src/webp/demux.h.
_DEMUX_ABI_VERSION = 0x0107
_BYTES_PER_PIXEL = 4

_IMAGE_CHUNKS = (b"VP8 ", b"VP8L", b"VP8X")


class _Data(ctypes.Structure):
    """WebPData."""

    _fields_ = (("bytes", ctypes.c_char_p), ("size", ctypes.c_size_t))


class _Info(ctypes.Structure):
    """WebPAnimInfo."""

    _fields_ = (
        ("canvas_width", ctypes.c_uint32),
        ("canvas_height", ctypes.c_uint32),
        ("loop_count", ctypes.c_uint32),
        ("bgcolor", ctypes.c_uint32),
        ("frame_count", ctypes.c_uint32),
        ("pad", ctypes.c_uint32 * 4),
    )


# A symbol is looked for in what the plugin links to, too: libwebpdemux, whatever its file is called.
_libwebp = ctypes.CDLL(_webp.__file__)
_new = _libwebp.WebPAnimDecoderNewInternal
_new.argtypes = (ctypes.POINTER(_Data), ctypes.c_void_p, ctypes.c_int)
_new.restype = ctypes.c_void_p
_get_info = _libwebp.WebPAnimDecoderGetInfo
_get_info.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Info))
_get_next = _libwebp.WebPAnimDecoderGetNext
_get_next.argtypes = (ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int))
_delete = _libwebp.WebPAnimDecoderDelete
_delete.argtypes = (ctypes.c_void_p,)
_delete.restype = None


def open_webp(data: bytes, admit: Admit) -> Image.Image:
    """The first frame on its canvas, RGB without alpha: the pixels of Pillow's `convert("RGB")`.

    Raises ValueError where libwebp does not read the file, and what `admit` raises.
    """
    if data[12:16] not in _IMAGE_CHUNKS:
        raise ValueError("its first chunk is not of an image")
    admit(KIND, *image_sizes.webp(data))  # the decoder allocates the whole canvas when it is made
    with _decoder(data) as decoder:
        size = _canvas_size(decoder)
        admit(KIND, *size, lossless_webps.structure_bytes(data))
        # Converted as long as the decoder lives, whose memory this is; in C, where Pillow lets the GIL go as well.
        return Image.frombuffer("RGBX", size, _first_frame(decoder, size), "raw", "RGBX", 0, 1).convert("RGB")


@contextmanager
def _decoder(data: bytes) -> Iterator[int]:
    """A WebPAnimDecoder; it reads from `data`, of which it has no copy."""
    decoder = _new(ctypes.byref(_Data(data, len(data))), None, _DEMUX_ABI_VERSION)
    if not decoder:
        raise ValueError("its chunks are damaged")
    try:
        yield decoder
    finally:
        _delete(decoder)


def _canvas_size(decoder: int) -> tuple[int, int]:
    info = _Info()
    if not _get_info(decoder, ctypes.byref(info)):
        raise ValueError("it has no canvas")
    return info.canvas_width, info.canvas_height


def _first_frame(decoder: int, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The decoder's canvas, four bytes a pixel."""
    address, timestamp_ms = ctypes.c_void_p(), ctypes.c_int()
    if not _get_next(decoder, ctypes.byref(address), ctypes.byref(timestamp_ms)) or address.value is None:
        raise ValueError("its first frame is damaged")
    canvas = ctypes.c_ubyte * (size[0] * size[1] * _BYTES_PER_PIXEL)
    return np.frombuffer(memoryview(canvas.from_address(address.value)), np.uint8)
