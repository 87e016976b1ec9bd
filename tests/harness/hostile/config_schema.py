"""Every field of Triton's ModelConfig, each in a config.pbtxt of its own."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from modelctl.bundle.config import Message
from tritonclient.grpc.model_config_pb2 import ModelConfig

LEAST: Message = {"name": ["resnet_medical"], "platform": ["onnxruntime_onnx"]}


def fields(descriptor: Descriptor = ModelConfig.DESCRIPTOR, within: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all fields, of those inside of messages too; a message inside itself is not entered again."""
    for field in descriptor.fields:
        path = (*within, field.name)
        yield path
        if field.message_type and len(path) < 8:
            yield from fields(field.message_type, path)


def config(path: tuple[str, ...], values: list[Any] | None = None) -> str:
    """A config.pbtxt with only the field at `path` beside a name and a platform. Without `values` it gets some."""
    return to_text(LEAST | _message(path, values), ModelConfig.DESCRIPTOR)


def added(path: tuple[str, ...]) -> str:
    """The field at `path` alone, to be added to a config.pbtxt."""
    return to_text(_message(path, None), ModelConfig.DESCRIPTOR)


def to_text(message: Message, descriptor: Descriptor) -> str:
    """The message in protobuf's text format."""
    return " ".join(
        f"{name} {_text(descriptor.fields_by_name[name], value)}"
        for name, values in message.items()
        for value in values
    )


def _message(path: tuple[str, ...], values: list[Any] | None) -> Message:
    inner: list[Any] = [_value(_field(path))] if values is None else values
    for name in reversed(path[1:]):
        inner = [{name: inner}]
    return {path[0]: inner}


def _text(field: FieldDescriptor, value: Any) -> str:
    if field.message_type:
        return f"{{ {to_text(value, field.message_type)} }}"
    if isinstance(value, str) and not field.enum_type:
        return f': "{value}"'
    return f": {str(value).lower()}" if isinstance(value, bool) else f": {value}"


def _field(path: tuple[str, ...]) -> FieldDescriptor:
    descriptor = ModelConfig.DESCRIPTOR
    for name in path[:-1]:
        descriptor = descriptor.fields_by_name[name].message_type
    return descriptor.fields_by_name[path[-1]]


def _value(field: FieldDescriptor) -> Any:
    """One that nobody allows by chance."""
    if field.message_type:
        return {}
    if field.enum_type:
        return field.enum_type.values[-1].name
    kinds = {FieldDescriptor.CPPTYPE_STRING: "../golden.npz", FieldDescriptor.CPPTYPE_BOOL: True}
    return kinds.get(field.cpp_type, 77_777_777)
