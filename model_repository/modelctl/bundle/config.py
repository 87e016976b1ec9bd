"""config.pbtxt: a small parser of protobuf's text format, and a hash that is equal for equivalent configs.

The parser does not know which fields repeat, so every field is a list of values. Field order, comments, the spelling of
strings and numbers, `:` before a message and `[a, b]` for a repeated field make no difference to the result.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from modelctl.bundle import canonical
from modelctl.bundle.archive import MAX_BYTES
from modelctl.bundle.errors import InvalidBundle

Message = dict[str, list[Any]]

# The agent writes these two. When they change, Triton does not reload other versions.
AGENT_OWNED = ("version_policy", "instance_group")

_MAX_DEPTH = 16
_TOKEN = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)
      |(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
      |(?P<number>-?\s*(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?)(?![A-Za-z0-9_.]))
      |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
      |(?P<mark>[{}<>\[\]:,;])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|([abfnrtv\\'\"?]))")
_ESCAPED = dict(zip("abfnrtv\\'\"?", "\a\b\f\n\r\t\v\\'\"?", strict=True))


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


def parse(text: bytes) -> Message:
    """Parses a config.pbtxt: field name -> values; a value is str, int, float, bool or a message.

    Raises InvalidBundle naming the line.
    """
    if len(text) > MAX_BYTES["config.pbtxt"]:
        raise InvalidBundle(f"config.pbtxt has {len(text)} bytes; {MAX_BYTES['config.pbtxt']} are allowed")
    try:
        parser = _Parser(_tokens(text.decode()))
    except UnicodeDecodeError:
        raise InvalidBundle("config.pbtxt is not UTF-8; save it as UTF-8") from None
    return parser.message(end="", depth=0)


def canonical_json(text: bytes) -> str:
    """The config as canonical JSON, without what the agent owns (version_policy, instance_group)."""
    return canonical.dumps(_shared(parse(text)))


def config_sha256(text: bytes) -> str:
    """Hex sha256 of `canonical_json`. While it is equal, Triton need not reload the versions that it serves."""
    return canonical.sha256(_shared(parse(text)))


def model_name(message: Message) -> str:
    """The config's `name`."""
    names = message.get("name", [])
    if len(names) != 1 or not isinstance(names[0], str):
        raise InvalidBundle('config.pbtxt must hold one name: "..."')
    return names[0]


def _shared(message: Message) -> Message:
    return {name: values for name, values in message.items() if name not in AGENT_OWNED}


def _tokens(text: str) -> list[_Token]:
    tokens, position, line = [], 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidBundle(f"config.pbtxt line {line}: cannot read {text[position : position + 20]!a}")
        kind = match.lastgroup or ""
        if kind != "skip":
            tokens.append(_Token(kind, match.group(), line))
        line += match.group().count("\n")
        position = match.end()
    return [*tokens, _Token("end", "", line)]


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def message(self, end: str, depth: int) -> Message:
        if depth > _MAX_DEPTH:
            raise self._error(f"messages nest deeper than {_MAX_DEPTH}")
        fields: Message = {}
        while self._token.text != end:
            if self._token.kind != "name":
                raise self._error(f"expected a field name{f' or {end}' if end else ''}")
            name = self._next().text
            colon = self._skip(":")
            fields.setdefault(name, []).extend(self._values(colon, depth))
            if not self._skip(","):
                self._skip(";")
        self._next()
        return fields

    def _values(self, colon: bool, depth: int) -> list[Any]:
        if not self._skip("["):
            return [self._value(colon, depth)]
        values: list[Any] = []
        while not self._skip("]"):
            if values and not self._skip(","):
                raise self._error("expected , or ]")
            values.append(self._value(colon, depth))
        return values

    def _value(self, colon: bool, depth: int) -> Any:
        for opening, closing in ("{}", "<>"):
            if self._skip(opening):
                return self.message(closing, depth + 1)
        token = self._token
        if token.kind not in ("string", "number", "name") or not colon:
            raise self._error("expected a value" if colon else "expected : or a message")
        if token.kind == "string":
            return self._string()
        self._next()
        if token.kind == "name":
            return {"true": True, "false": False}.get(token.text.lower(), token.text)
        try:
            return _number("".join(token.text.lower().split()))
        except ValueError:
            raise self._error("the number before this does not fit into protobuf") from None

    def _string(self) -> str:
        parts = []
        while self._token.kind == "string":
            parts.append(self._unescaped(self._token.text[1:-1]))
            self._next()
        return "".join(parts)

    def _unescaped(self, text: str) -> str:
        if "\\" in _ESCAPE.sub("", text):
            raise self._error("an escape in a string is not one of protobuf's")
        return _ESCAPE.sub(_unescape, text)

    @property
    def _token(self) -> _Token:
        return self._tokens[self._position]

    def _next(self) -> _Token:
        token = self._token
        if token.kind != "end":
            self._position += 1
        return token

    def _skip(self, mark: str) -> bool:
        found = self._token.kind == "mark" and self._token.text == mark
        if found:
            self._next()
        return found

    def _error(self, what: str) -> InvalidBundle:
        found = ascii(self._token.text[:20]) if self._token.text else "the end"
        return InvalidBundle(f"config.pbtxt line {self._token.line}: {what}, found {found}")


def _unescape(match: re.Match[str]) -> str:
    octal, hexadecimal, letter = match.groups()
    if octal:
        return chr(int(octal, 8))
    return chr(int(hexadecimal, 16)) if hexadecimal else _ESCAPED[letter]


def _number(text: str) -> int | float:
    digits = text.lstrip("-")
    if digits.startswith("0x"):
        return int(text, 16)
    if digits.isdigit():
        return int(text, 8) if len(digits) > 1 and digits.startswith("0") else int(text)
    value = float(text.rstrip("f"))
    if not math.isfinite(value):
        raise ValueError(text)
    return value
