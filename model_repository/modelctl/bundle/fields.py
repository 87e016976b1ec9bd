"""Reads typed fields out of untrusted JSON; every refusal names the field and what to write there."""

import json
import math
import re
import reprlib
from collections.abc import Mapping
from typing import Any

from modelctl.bundle.errors import InvalidBundle

Json = Mapping[str, Any]
# A description nests three levels. How deep the parser goes depends on the Python: 990 levels in 3.11, 30,000 in 3.14.
MAX_DEPTH = 32


def loads(text: bytes, where: str) -> Json:
    """Parses one JSON object; duplicate keys, NaN and nesting beyond MAX_DEPTH are refused."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise InvalidBundle(f"{where} is not UTF-8; pack it again") from None
    except RecursionError:
        raise _too_deep(where) from None
    except ValueError as error:
        raise InvalidBundle(f"{where} is not JSON ({str(error)[:100]}); pack it again") from None
    if not isinstance(value, dict):
        raise InvalidBundle(f"{where} must be a JSON object")
    if _is_deeper(value, MAX_DEPTH):
        raise _too_deep(where)
    return value


def an_object(fields: Json, key: str, at: str = "") -> Json:
    value, name = _present(fields, key, at)
    if not isinstance(value, dict):
        raise InvalidBundle(f"{name} must be an object, not {_shown(value)}")
    return value


def an_int(fields: Json, key: str, low: int, high: int, at: str = "") -> int:
    value, name = _present(fields, key, at)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidBundle(f"{name} must be a whole number from {low} to {high}, not {_shown(value)}")
    return value


def a_number(fields: Json, key: str, at: str = "", positive: bool = False) -> float:
    value, name = _present(fields, key, at)
    return _number(value, name, positive)


def numbers(fields: Json, key: str, count: int, at: str = "", positive: bool = False) -> tuple[float, ...]:
    """A list of `count` numbers, one for each channel of an image: 1 or 3."""
    value, name = _present(fields, key, at)
    if not isinstance(value, list) or len(value) != count:
        wanted = "one number (grey)" if count == 1 else "three numbers (red, green, blue)"
        raise InvalidBundle(f"{name} must be a list of {wanted}, not {_shown(value)}")
    return tuple(_number(item, f"{name}[{i}]", positive) for i, item in enumerate(value))


def a_string(fields: Json, key: str, pattern: str, meaning: str, at: str = "") -> str:
    value, name = _present(fields, key, at)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise InvalidBundle(f"{name} must be {meaning}, not {_shown(value)}")
    return value


def one_of(fields: Json, key: str, choices: tuple[str, ...], at: str = "") -> str:
    value, name = _present(fields, key, at)
    if value not in choices:
        raise InvalidBundle(f"{name} must be one of {', '.join(choices)}, not {_shown(value)}")
    return str(value)


def _number(value: Any, name: str, positive: bool) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidBundle(f"{name} must be a number, not {_shown(value)}")
    # An int too large for a float overflows in isfinite.
    if abs(value) > 1e12 or not math.isfinite(value) or (positive and value <= 0):
        raise InvalidBundle(f"{name} must be a finite number{' above 0' if positive else ''}, not {_shown(value)}")
    return float(value)


def _present(fields: Json, key: str, at: str) -> tuple[Any, str]:
    name = f"{at}.{key}" if at else key
    if key not in fields:
        raise InvalidBundle(f"{name} is missing; add it")
    return fields[key], name


def _shown(value: Any) -> str:
    return reprlib.repr(value).encode("ascii", "backslashreplace").decode()[:60]


def _too_deep(where: str) -> InvalidBundle:
    return InvalidBundle(f"{where} is nested too deeply; pack it again")


def _is_deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects nest in more than `levels`; without recursion, as the nesting may be any."""
    layer = [value]
    for _ in range(levels):
        nested = [one for one in layer if isinstance(one, list | dict)]
        layer = [child for one in nested for child in (one.values() if isinstance(one, dict) else one)]
    return any(isinstance(one, list | dict) for one in layer)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")
    return value


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not a JSON number")
