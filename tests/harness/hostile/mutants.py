"""Mutated files of a bundle, the same ones for the same seed: configs, zips and ONNX graphs."""

import random
import struct
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from onnx import ModelProto

from tests.harness.hostile import config_schema

LIBRARY = b"\x7fELF\x02\x01\x01" + bytes(57)
NAMES = ("", "ai.onnx", "com.microsoft", "evil", "ai.onnx.ml", "EPContext", "location", "../secret.bin", "golden.npz")


def configs(text: bytes) -> Iterator[bytes]:
    """Every field of Triton's schema, one by one: alone, and added to a good config.pbtxt."""
    for path in config_schema.fields():
        yield config_schema.config(path).encode()
        yield text + b"\n" + config_schema.added(path).encode()


def zips(good: bytes, seed: int) -> Iterator[bytes]:
    """Without end: bytes put in, cut out or changed, mostly where the parts of the zip meet."""
    dice = random.Random(seed)
    joints = _joints(good)
    while True:
        data = bytearray(good)
        for _ in range(dice.choice((1, 1, 2, 3))):
            dice.choice(_ZIP_CHANGES)(data, dice, joints)
        yield bytes(data)


def graphs(good: bytes, seed: int) -> Iterator[bytes]:
    """Without end: fields of ONNX's schema set anywhere in the model, and bytes changed."""
    dice = random.Random(seed)
    while True:
        model = ModelProto.FromString(good)
        for _ in range(dice.choice((1, 1, 2))):
            _set_a_field(dice.choice(list(_messages(model))), dice, 0)
        data = bytearray(model.SerializeToString())
        if dice.random() < 0.4:
            data = bytearray(good)
            _change_bytes(data, dice, [])
        yield bytes(data)


def _joints(good: bytes) -> list[int]:
    """Where members, directory entries and the end record begin."""
    marks = (b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06")
    return [at for at in range(len(good)) if good[at : at + 4] in marks]


def _put_in(data: bytearray, dice: random.Random, joints: list[int]) -> None:
    at = dice.choice([*joints, len(data)])
    data[at:at] = dice.choice((LIBRARY, b"\0", b"PK\x03\x04", dice.randbytes(30)))


def _put_in_knowingly(data: bytearray, dice: random.Random, joints: list[int]) -> None:
    """Before the directory, whose place the end record then states rightly; perhaps as a part of the last member."""
    start = struct.unpack_from("<L", data, len(data) - 6)[0]
    if not 0 < start < len(data):
        return
    data[start:start] = LIBRARY
    struct.pack_into("<L", data, len(data) - 6, start + len(LIBRARY))
    if dice.random() < 0.5:
        for mark, at in ((b"PK\x03\x04", 18), (b"PK\x01\x02", 20)):
            place = data.rfind(mark) + at
            size = struct.unpack_from("<L", data, place)[0]
            struct.pack_into("<L", data, place, min(size + len(LIBRARY), 2**32 - 1))


def _comment(data: bytearray, dice: random.Random, joints: list[int]) -> None:
    data[-2:] = struct.pack("<H", len(LIBRARY))
    data += LIBRARY


def _change_a_header(data: bytearray, dice: random.Random, joints: list[int]) -> None:
    at = min(dice.choice(joints) + dice.randrange(46), len(data) - 2)
    struct.pack_into("<H", data, at, dice.choice((0, 1, 8, 0x800, 0xFFFF, dice.randrange(1 << 16))))


def _change_bytes(data: bytearray, dice: random.Random, joints: list[int]) -> None:
    at = dice.randrange(len(data))
    kind = dice.randrange(3)
    if kind == 0:
        data[at] ^= 1 << dice.randrange(8)
    elif kind == 1:
        data[at:at] = dice.randbytes(dice.randrange(1, 9))
    else:
        del data[at : at + dice.randrange(1, 9)]


_ZIP_CHANGES: tuple[Callable[[bytearray, random.Random, list[int]], None], ...] = (
    _put_in,
    _put_in_knowingly,
    _comment,
    _change_a_header,
    _change_bytes,
)


def _messages(message: Message) -> Iterator[Message]:
    """The message and all that are in it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type:
            for inner in value if field.is_repeated else [value]:
                yield from _messages(inner)


def _set_a_field(message: Message, dice: random.Random, depth: int) -> None:
    field = dice.choice(message.DESCRIPTOR.fields)
    if field.message_type:
        inner = getattr(message, field.name)
        inner = inner.add() if field.is_repeated else inner
        inner.SetInParent()
        if depth < 4:
            _set_a_field(inner, dice, depth + 1)
    elif field.is_repeated:
        getattr(message, field.name).append(_scalar(field, dice))
    else:
        setattr(message, field.name, _scalar(field, dice))


def _scalar(field: FieldDescriptor, dice: random.Random) -> Any:
    if field.enum_type:
        return dice.choice(field.enum_type.values).number
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        text = dice.choice(NAMES)
        return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
    if field.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        return 1.0
    return dice.choice((0, 1, 2, 17))
