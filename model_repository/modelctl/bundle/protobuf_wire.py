"""Reads the fields of a protobuf message one after another, without a schema and without holding the message.

A message is a run of (tag varint, value) pairs; a tag is the field's number and its wire type.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

VARINT, BYTES = 0, 2
_FIXED_BYTES = {1: 8, 5: 4}


class Malformed(Exception):
    """The bytes are no message; the text says what is wrong with them."""


@dataclass(frozen=True)
class Field:
    """`value` is the number of a VARINT; `end` is where the field's value ends in the stream."""

    number: int
    wire: int
    value: int
    end: int


def fields(stream: BinaryIO, end: int) -> Iterator[Field]:
    """The fields up to `end`, each while the stream is at the first byte of its value. Raises Malformed."""
    while (position := stream.tell()) < end:
        tag = _varint(stream)
        number, wire = tag >> 3, tag & 7
        value, length = 0, 0
        if wire == VARINT:
            value = _varint(stream)
        elif wire == BYTES:
            length = _varint(stream)
        elif wire in _FIXED_BYTES:
            length = _FIXED_BYTES[wire]
        else:
            raise Malformed("an unknown wire type")
        if number == 0:
            raise Malformed("a field has no number")
        after = stream.tell() + length
        yield Field(number, wire, value, after)
        if after > end:
            raise Malformed("a field runs past the end")
        stream.seek(after)
    if position != end:
        raise Malformed("a field runs past the end")


def _varint(stream: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = stream.read(1)
        if not byte:
            raise Malformed("it ends inside a field")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise Malformed("a number is too long")
