"""Reads labels.txt as people and programs write it: one label per line in output order, or JSON."""

import json
import re
from typing import Any

from modelctl.bundle.errors import ModelctlError

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NUMBERED = re.compile(r"(\d+)(?:\s*[:;,=.)-]\s*|\s+)\S")
_QUOTED = re.compile(r"""["'].*["'],?""")


def read(data: bytes, name: str) -> list[str]:
    """The labels without blanks around them; empty lines are left out. `name` is the file's, for errors.

    JSON is a list of labels, or an object of label and number, either way round. Raises ModelctlError.
    """
    text = _decode(data, name)
    if text.lstrip().startswith(("[", "{")):
        return _of_json(text, name)
    lines = [line.strip() for line in re.split(r"\r\n|\r|\n", text)]
    labels = [line for line in lines if line]
    _refuse_other_forms(labels, name)
    return labels


def _decode(data: bytes, name: str) -> str:
    try:
        # With a mark of the byte order; Windows writes both kinds.
        return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError:
        raise ModelctlError(f"{name} is not UTF-8; save it as UTF-8") from None


def _refuse_other_forms(labels: list[str], name: str) -> None:
    numbers = [match and int(match[1]) for match in map(_NUMBERED.match, labels)]
    if (
        len(labels) > 1
        and None not in numbers
        and numbers == list(range(numbers[0] or 0, (numbers[0] or 0) + len(labels)))
    ):
        raise ModelctlError(
            f"{name} numbers its labels; leave the numbers out, or write a JSON list if they belong to the labels"
        )
    for i, label in enumerate(labels):
        if _QUOTED.fullmatch(label):
            raise ModelctlError(f"{name}: label {i + 1} is in quotation marks; leave them out, or write a JSON list")
        if label in labels[:i]:
            raise ModelctlError(
                f"{name}: label {i + 1} repeats label {labels.index(label) + 1}; each must be there once"
            )


def _of_json(text: str, name: str) -> list[str]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ModelctlError(f"{name} is not JSON ({str(error)[:100]}); write one label per line") from None
    except RecursionError:
        raise ModelctlError(f"{name} is nested too deeply; write one label per line") from None
    labels = _in_order(value) if isinstance(value, dict) else value
    if not labels or not all(isinstance(label, str) for label in labels):
        raise ModelctlError(
            f"{name} must be a list of labels in output order, or an object of label and number from 0; "
            "write one label per line"
        )
    return [label.strip() for label in labels]


def _in_order(numbered: dict[str, Any]) -> list[str]:
    """The labels of {"0": "A", "1": "B"} or {"A": 0, "B": 1}; empty if the numbers are not 0, 1, 2 and so on."""
    pairs = {number: label for label, number in numbered.items() if type(number) is int}
    if not pairs:
        pairs = {int(number): label for number, label in numbered.items() if re.fullmatch(r"\d{1,4}", number)}
    whole = len(pairs) == len(numbered) and sorted(pairs) == list(range(len(pairs)))
    return [pairs[i] for i in range(len(pairs))] if whole else []
