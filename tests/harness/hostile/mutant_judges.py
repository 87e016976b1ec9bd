"""What a mutated file holds, as others than modelctl read it: protobuf, zipfile, and the onnx package."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet
from modelctl.bundle.onnx_schema import ALLOWED
from onnx import AttributeProto, ModelProto, NodeProto, TensorProto
from tritonclient.grpc.model_config_pb2 import ModelConfig

DOMAINS = {"", "ai.onnx", "com.microsoft"}


def fields_of_config(text: bytes) -> set[str]:
    """The paths of all fields that are set."""
    return set(_paths(text_format.Parse(text.decode(), ModelConfig()), ""))


def problems_of_zip(data: bytes) -> list[str]:
    """Bytes that belong to no member."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries, start = archive.infolist(), archive.start_dir
    packed = sum(30 + len(one.filename) + one.compress_size for one in entries)
    directory = sum(46 + len(one.filename) for one in entries)
    found = {
        "begins as something else": not data.startswith(b"PK\x03\x04"),
        "gaps before the directory": packed != start,
        "more in or after the directory": start + directory + 22 != len(data),
        "a library": b"\x7fELF" in data,
    }
    return [problem for problem, is_there in found.items() if is_there]


def problems_of_graph(data: bytes) -> list[str]:
    """What a graph must not hold, by the onnx package's reading of it; nothing if no protobuf can read it."""
    try:
        return sorted(set(_problems(ModelProto.FromString(data))))
    except DecodeError:
        return []


def _problems(message: Message) -> Iterator[str]:
    known = {field.number for field in message.DESCRIPTOR.fields}
    if message.DESCRIPTOR.name in ALLOWED and {one.field_number for one in UnknownFieldSet(message)} - known:
        yield "an unknown field"
    if isinstance(message, TensorProto) and (message.external_data or message.data_location):
        yield "external data"
    if isinstance(message, NodeProto) and message.domain not in DOMAINS:
        yield "a foreign domain"
    if isinstance(message, NodeProto) and message.op_type == "EPContext":
        yield "a compiled graph"
    if isinstance(message, ModelProto) and (
        message.training_info or any(f.domain not in DOMAINS for f in message.functions)
    ):
        yield "more than a graph"
    if isinstance(message, AttributeProto) and (message.HasField("sparse_tensor") or message.sparse_tensors):
        yield "a sparse tensor"
    for _, inner in _inner(message):
        yield from _problems(inner)


def _paths(message: Message, within: str) -> Iterator[str]:
    for field, _ in message.ListFields():
        yield within + field.name
    for name, inner in _inner(message):
        yield from _paths(inner, f"{within}{name}.")


def _inner(message: Message) -> Iterator[tuple[str, Message]]:
    for field, value in message.ListFields():
        if not field.message_type:
            continue
        for one in _each(field, value):
            if isinstance(one, Message):
                yield field.name, one


def _each(field: Any, value: Any) -> list[Any]:
    if field.message_type.GetOptions().map_entry:
        return [field.message_type._concrete_class(key=key, value=value[key]) for key in value]
    return list(value) if field.is_repeated else [value]
