"""A protobuf message in the form in which modelctl parses config.pbtxt, so that the two readings can be compared."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message as ProtobufMessage
from modelctl.bundle.config import Message

_DEFAULTS = ([0], [""], [False], ["KIND_AUTO"])


def as_message(message: ProtobufMessage) -> Message:
    """Field name -> values of all fields that are set; entries of maps in the order of their keys."""
    return {field.name: [_plain(field, one) for one in _values(field, value)] for field, value in message.ListFields()}


def without_defaults(message: Message) -> Message:
    """The same without single values that protobuf does not tell from absent ones; maps ordered as in `as_message`."""
    shorter = {name: [_without(value) for value in values] for name, values in message.items()}
    ordered = {name: sorted(values, key=_key) for name, values in shorter.items()}
    return {name: values for name, values in ordered.items() if values and values not in _DEFAULTS}


def _without(value: Any) -> Any:
    return without_defaults(value) if isinstance(value, dict) else value


def _key(value: Any) -> str:
    """What orders the entries of a map; everything else keeps its place, as sorting is stable."""
    return str(value["key"]) if isinstance(value, dict) and value.keys() == {"key", "value"} else ""


def _values(field: FieldDescriptor, value: Any) -> Iterable[Any]:
    if not field.is_repeated:
        return [value]
    if field.message_type and field.message_type.GetOptions().map_entry:
        return [field.message_type._concrete_class(key=key, value=value[key]) for key in sorted(value)]
    return list(value)


def _plain(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type:
        return as_message(value)
    return field.enum_type.values_by_number[value].name if field.enum_type else value
