"""Reads single fields of the access document. Every error names the field and says what to write.

No error shows a value: whoever misplaces a key must not find it in the log.
"""

import json
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar

Word = TypeVar("Word", bound=StrEnum)


class InvalidAccess(ValueError):
    """The document cannot be put in force. The text names the field and what to write."""


def only(fields: Mapping[str, object], where: str, known: Collection[str]) -> None:
    """Refuses any other field: a misspelt `expires` would otherwise be a key that never expires."""
    for name in fields:
        if name not in known:
            raise InvalidAccess(f"{where}: has an unknown field {shown(name)}; known are {', '.join(known)}")


def mapping(value: object, where: str) -> dict[str, object]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise InvalidAccess(f"{where}: must be an object, is {kind(value)}")
    return value


def listed(value: object, where: str) -> list[object]:
    """A JSON array."""
    if not isinstance(value, list):
        raise InvalidAccess(f"{where}: must be a list, is {kind(value)}")
    return value


def word(value: object, where: str, words: type[Word]) -> Word:
    """One of these words."""
    if not isinstance(value, str) or value not in set(words):
        raise InvalidAccess(f"{where}: must be of {', '.join(words)}, is {kind(value)}")
    return words(value)


def flag(value: object, where: str) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise InvalidAccess(f"{where}: must be true or false, is {kind(value)}")
    return value


def shown(name: str) -> str:
    """A name, cut so that no key is seen that somebody wrote in its place."""
    return name if len(name) <= 40 else f"{name[:12]}..."


def kind(value: object) -> str:
    """What stands there, without the text itself."""
    if value is None:
        return "missing"
    if isinstance(value, bool | int | float):
        return json.dumps(value)[:20]
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else "another text"
