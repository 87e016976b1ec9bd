"""Reads the opset of a model.onnx without the onnx package, which the agent does not need otherwise.

A protobuf message is a run of (tag varint, value) pairs; ModelProto keeps `opset_import` in field 8, a message with the
domain in field 1 and the version in field 2 (onnx.proto3).
"""

from typing import BinaryIO

from modelctl.bundle.errors import InvalidBundle

_OPSET_IMPORT, _DOMAIN, _VERSION = 8, 1, 2
_MAX_OPSET_BYTES = 1024
_FIXED_BYTES = {1: 8, 5: 4}


def read_opset(stream: BinaryIO, size: int) -> int:
    """The version of the default operator set; the stream is at the first of the model's `size` bytes.

    Raises InvalidBundle when the bytes are no ONNX model or import no default operator set.
    """
    try:
        return _default_opset(stream, size)
    except _NotOnnx as error:
        raise InvalidBundle(f"model.onnx is not an ONNX model ({error}); export it again") from None


class _NotOnnx(Exception):
    pass


def _default_opset(stream: BinaryIO, size: int) -> int:
    end = stream.tell() + size
    while stream.tell() < end:
        number, wire = _tag(stream)
        if wire != 2:
            _skip_scalar(stream, wire)
            continue
        length = _varint(stream)
        if stream.tell() + length > end:
            raise _NotOnnx("a field runs past the end")
        if number == _OPSET_IMPORT and length <= _MAX_OPSET_BYTES:
            domain, version = _opset_import(stream, stream.tell() + length)
            if domain in (b"", b"ai.onnx"):
                return version
        else:
            stream.seek(length, 1)
    raise _NotOnnx("no operator set is named")


def _opset_import(stream: BinaryIO, end: int) -> tuple[bytes, int]:
    domain, version = b"", 0
    while stream.tell() < end:
        number, wire = _tag(stream)
        if number == _DOMAIN and wire == 2:
            domain = stream.read(min(_varint(stream), _MAX_OPSET_BYTES))
        elif number == _VERSION and wire == 0:
            version = _varint(stream)
        else:
            raise _NotOnnx("the operator set is malformed")
    if stream.tell() != end:
        raise _NotOnnx("the operator set is malformed")
    return domain, version


def _tag(stream: BinaryIO) -> tuple[int, int]:
    tag = _varint(stream)
    return tag >> 3, tag & 7


def _skip_scalar(stream: BinaryIO, wire: int) -> None:
    if wire == 0:
        _varint(stream)
    elif wire in _FIXED_BYTES:
        stream.seek(_FIXED_BYTES[wire], 1)
    else:
        raise _NotOnnx("an unknown wire type")


def _varint(stream: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise _NotOnnx("it ends inside a field")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise _NotOnnx("a number is too long")
