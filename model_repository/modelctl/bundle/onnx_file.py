"""Walks through a model.onnx without the onnx package, which the agent does not need otherwise.

ONNX Runtime does what a graph says. So a graph may hold nothing but operators of known domains and its own weights: no
file that it reads, in no tensor of any subgraph or function, and no operator of a library.
"""

from collections.abc import Collection
from typing import BinaryIO

from modelctl.bundle.errors import InvalidBundle
from modelctl.bundle.onnx_schema import ALLOWED, DATA, DOMAIN, FUNCTION_DOMAIN, OPERATOR, REFUSED
from modelctl.bundle.protobuf_wire import BYTES, VARINT, Field, Malformed, fields

DOMAINS = frozenset({"", "ai.onnx", "com.microsoft"})

# They are in com.microsoft. The first names a file with a compiled graph, the second a function of Python.
OPERATORS_THAT_RUN_MORE = frozenset({"EPContext", "PythonOp"})

MAX_FIELDS = 500_000
MAX_DEPTH = 64
_MAX_NAME_BYTES = 256
_AGAIN = "and pack it again"


def read_opset(stream: BinaryIO, size: int, more_domains: Collection[str] = ()) -> int:
    """The version of the default operator set; the stream is at the first of the model's `size` bytes.

    `more_domains` are allowed beside DOMAINS. Raises InvalidBundle when the bytes are no ONNX model, import no default
    operator set, or hold what a bundle may not have.
    """
    walk, start = _Walk(stream, DOMAINS | frozenset(more_domains)), stream.tell()
    if stream.read(8)[4:] == b"ORTM":
        raise InvalidBundle("model.onnx begins as ONNX Runtime's own format; export it as ONNX")
    stream.seek(start)
    try:
        walk.message("ModelProto", start + size, 0)
    except Malformed as error:
        raise InvalidBundle(f"model.onnx is not an ONNX model ({error}); export it again") from None
    return walk.opset()


class _Walk:
    def __init__(self, stream: BinaryIO, domains: frozenset[str]) -> None:
        self._stream, self._domains = stream, domains
        self._count, self._graphs = 0, 0
        self._opsets: list[int] = []

    def message(self, name: str, end: int, depth: int) -> None:
        """Walks through a message and all that are inside."""
        if depth > MAX_DEPTH:
            raise Malformed(f"messages nest deeper than {MAX_DEPTH}")
        for field in fields(self._stream, end):
            self._count += 1
            if self._count > MAX_FIELDS:
                raise Malformed(f"more than {MAX_FIELDS} fields")
            if field.end > end:
                raise Malformed("a field runs past the end")
            self._field(name, field, depth)

    def opset(self) -> int:
        """Once the model was walked through."""
        if not self._opsets:
            raise InvalidBundle("model.onnx is not an ONNX model (no operator set is named); export it again")
        if self._graphs != 1:
            raise InvalidBundle(f"model.onnx holds {self._graphs} graphs instead of one; export it again")
        return self._opsets[0]

    def _field(self, message: str, field: Field, depth: int) -> None:
        kind = ALLOWED[message].get(field.number)
        if kind is None:
            if (message, field.number) == ("TensorProto", 14) and field.wire == VARINT and field.value == 0:
                return  # data_location: in the tensor itself
            refused = REFUSED.get((message, field.number), f"field {field.number} of {message}, which is unknown here")
            raise InvalidBundle(f"model.onnx has {refused} {_AGAIN}")
        if kind == DATA:
            return
        if field.wire != BYTES:
            raise Malformed(f"field {field.number} of {message} has another type")
        if kind in ALLOWED:
            self._enter(message, kind, field, depth)
        else:
            self._judge(kind, self._text(field))

    def _enter(self, outer: str, message: str, field: Field, depth: int) -> None:
        self._graphs += outer == "ModelProto" and message == "GraphProto"
        if message == "OperatorSetIdProto":
            self._import(field.end)
        else:
            self.message(message, field.end, depth + 1)

    def _import(self, end: int) -> None:
        """An import alone runs nothing, so any domain may be imported: exporters leave some that no operator uses."""
        domain, version = "", 0
        for field in fields(self._stream, end):
            if field.number == 1 and field.wire == BYTES:
                domain = self._text(field)
            elif field.number == 2 and field.wire == VARINT:
                version = field.value
            else:
                raise Malformed("the operator set is malformed")
        if domain in ("", "ai.onnx"):
            self._opsets.append(version)

    def _judge(self, kind: str, text: str) -> None:
        if kind == OPERATOR and text in OPERATORS_THAT_RUN_MORE:
            raise InvalidBundle(f"model.onnx has the operator {text}, which runs more than the graph; export it anew")
        if kind == DOMAIN and text not in self._domains:
            raise InvalidBundle(
                f"model.onnx has an operator of the domain {ascii(text)[1:-1]}; {self._known()} are allowed: "
                f"export it without {_AGAIN}"
            )
        if kind == FUNCTION_DOMAIN and text not in self._domains:
            raise InvalidBundle(
                f"model.onnx has a function of the domain {ascii(text)[1:-1]}; "
                f"inline it with onnx.inliner.inline_local_functions {_AGAIN}"
            )

    def _known(self) -> str:
        return ", ".join(sorted(self._domains - {""}))

    def _text(self, field: Field) -> str:
        length = field.end - self._stream.tell()
        if length > _MAX_NAME_BYTES:
            raise Malformed(f"a name of {length} bytes")
        content = self._stream.read(length)
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise Malformed("a name is not UTF-8") from None
