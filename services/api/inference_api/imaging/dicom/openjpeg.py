"""JPEG 2000, by the OpenJPEG of Pillow's wheel: without its plugin, which keeps the GIL while it decodes.

The event loop stood still for 0.9 s with a frame of 2048x2048 pixels of noise. `ctypes` lets the GIL go for each call,
and OpenJPEG reads the file itself, without a callback.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import _imaging
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile

from inference_api.imaging.counted_reads import CountedReads

SIGNATURE_BOX = b"\0\0\0\x0cjP  "
_J2K, _JP2 = 0, 2  # OPJ_CODEC_FORMAT

# Whatever a JP2 file says of palettes and channels is left alone, as Pillow does.
_IGNORE_PCLR_CMAP_CDEF = 1
_READ_BYTES = 2**20
_PATH_BYTES = 4096

Samples = NDArray[Any]


class ColourSpace(IntEnum):
    """OPJ_COLOR_SPACE, those that are read."""

    UNKNOWN = -1
    UNSPECIFIED = 0
    SRGB = 1
    GREY = 2
    SYCC = 3


class _Parameters(ctypes.Structure):
    """opj_dparameters_t."""

    _fields_ = (
        ("reduce_and_layer", ctypes.c_uint32 * 2),
        ("paths", ctypes.c_char * _PATH_BYTES * 2),
        ("formats", ctypes.c_int * 2),
        ("area", ctypes.c_uint32 * 4),
        ("is_verbose", ctypes.c_int),
        ("tiles", ctypes.c_uint32 * 2),
        ("jpwl", ctypes.c_int * 3),
        ("flags", ctypes.c_uint),
    )


class _Component(ctypes.Structure):
    """opj_image_comp_t."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("dx", "dy", "w", "h", "x0", "y0", "prec", "bpp", "sgnd")),
        ("resolutions", ctypes.c_uint32 * 2),
        ("data", ctypes.c_void_p),
        ("alpha", ctypes.c_uint16),
    )


class _Image(ctypes.Structure):
    """opj_image_t."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("x0", "y0", "x1", "y1", "numcomps")),
        ("color_space", ctypes.c_int),
        ("comps", ctypes.POINTER(_Component)),
        ("icc_profile_buf", ctypes.c_void_p),
        ("icc_profile_len", ctypes.c_uint32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """`samples` [height, width] int32, of `bits` bits. They are OpenJPEG's memory, and gone with the decoder."""

    samples: Samples
    bits: int
    is_signed: bool


# A symbol is looked for in what the module links to, too: libopenjp2, whatever its file is called.
_openjp2 = ctypes.CDLL(_imaging.__file__)


def _function(name: str, result: Any, *arguments: Any) -> Any:
    function = getattr(_openjp2, name)
    function.restype, function.argtypes = result, arguments
    return function


_POINTER = ctypes.c_void_p
_IMAGE = ctypes.POINTER(_Image)
_stream_of_file = _function("opj_stream_create_file_stream", _POINTER, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int)
_destroy_stream = _function("opj_stream_destroy", None, _POINTER)
_create = _function("opj_create_decompress", _POINTER, ctypes.c_int)
_destroy_codec = _function("opj_destroy_codec", None, _POINTER)
_set_default = _function("opj_set_default_decoder_parameters", None, ctypes.POINTER(_Parameters))
_setup = _function("opj_setup_decoder", ctypes.c_int, _POINTER, ctypes.POINTER(_Parameters))
_read_header = _function("opj_read_header", ctypes.c_int, _POINTER, _POINTER, ctypes.POINTER(_IMAGE))
_decode = _function("opj_decode", ctypes.c_int, _POINTER, _POINTER, _IMAGE)
_end = _function("opj_end_decompress", ctypes.c_int, _POINTER, _POINTER)
_destroy_image = _function("opj_image_destroy", None, _IMAGE)


def open_header(data: bytes) -> Jpeg2KImageFile:
    """Size and mode by Pillow, which has no pixels yet."""
    return Jpeg2KImageFile(CountedReads(data, "boxes"))


@contextmanager
def decoded(data: bytes, size: tuple[int, int], components: int) -> Iterator[tuple[list[Component], ColourSpace]]:
    """The components of a codestream or JP2 file; `size` and how many there are were read from it and admitted.

    Raises ValueError where OpenJPEG does not read the file, or finds something else in it.
    """
    with _stream(data) as stream, _codec(data) as codec, _image(codec, stream) as image:
        _check(image.contents, size, components)
        space = ColourSpace(image.contents.color_space)  # as the header says: decoding changes it
        if not _decode(codec, stream, image) or not _end(codec, stream):
            raise ValueError("its codestream is damaged")
        yield [_component(image.contents.comps[index]) for index in range(components)], space


@contextmanager
def _stream(data: bytes) -> Iterator[int]:
    """OpenJPEG's own reader of files, of one in memory: one of Python's would be called with the GIL."""
    with os.fdopen(os.memfd_create("jpeg2000"), "wb", buffering=0) as file:
        file.write(data)
        stream = _stream_of_file(b"/proc/self/fd/%d" % file.fileno(), _READ_BYTES, True)
    if not stream:
        raise MemoryError("no stream")
    try:
        yield stream
    finally:
        _destroy_stream(stream)


@contextmanager
def _codec(data: bytes) -> Iterator[int]:
    codec = _create(_JP2 if data.startswith(SIGNATURE_BOX) else _J2K)
    try:
        parameters = _Parameters()
        _set_default(ctypes.byref(parameters))
        parameters.flags |= _IGNORE_PCLR_CMAP_CDEF
        if not codec or not _setup(codec, ctypes.byref(parameters)):
            raise MemoryError("no decoder")
        yield codec
    finally:
        _destroy_codec(codec)


@contextmanager
def _image(codec: int, stream: int) -> Iterator[Any]:
    """A pointer to the image of which the header is read."""
    image = _IMAGE()
    try:
        if not _read_header(stream, codec, ctypes.byref(image)) or not image:
            raise ValueError("its header is damaged")
        yield image
    finally:
        _destroy_image(image)


def _check(image: _Image, size: tuple[int, int], components: int) -> None:
    """Before OpenJPEG allocates the samples: what its own parser found is what was admitted."""
    found = [image.comps[index] for index in range(min(image.numcomps, components))]
    if len(found) != components or image.numcomps != components:
        raise ValueError("it has another number of components")
    if any((one.dx, one.dy, one.w, one.h) != (1, 1, *size) for one in found):
        raise ValueError("its components are of another size")


def _component(found: _Component) -> Component:
    if not found.data:
        raise ValueError("a component has no samples")
    memory = memoryview((ctypes.c_int32 * (found.w * found.h)).from_address(found.data))
    return Component(np.frombuffer(memory, np.int32).reshape(found.h, found.w), found.prec, bool(found.sgnd))
