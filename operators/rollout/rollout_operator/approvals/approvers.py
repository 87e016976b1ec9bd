"""The approvers: who may open which gate, and with which keys. The platform team's ConfigMap says so."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from rollout_operator.approvals.keys import BadKey, PublicKey, parse_key

KEY = "approvers.yaml"
MAX_CHARACTERS = 500_000
FIELDS = ("name", "keys", "gates")
ANY_GATE = "*"


@dataclass(frozen=True)
class Approver:
    """`gates`: names of those that the person may open; `*`: each."""

    name: str
    keys: tuple[PublicKey, ...]
    gates: frozenset[str]

    def may_open(self, gate: str) -> bool:
        """The list names the gate, or says `*`."""
        return gate in self.gates or ANY_GATE in self.gates


@dataclass(frozen=True)
class Approvers:
    """`problem`: why the list cannot be used, then nobody opens a gate; empty: it can. `place`: where it lies."""

    everybody: tuple[Approver, ...] = ()
    problem: str = ""
    place: str = ""

    def owner(self, key: PublicKey) -> Approver | None:
        """The one whose key it is."""
        return next((one for one in self.everybody if key in one.keys), None)

    def of_gate(self, gate: str) -> tuple[str, ...]:
        """Names of those who may open it."""
        return tuple(one.name for one in self.everybody if one.may_open(gate))


@lru_cache(maxsize=8)
def parse_approvers(text: str | None, place: str) -> Approvers:
    """Raises nothing: a list that cannot be used says why, and names the entry. `text`: None when there is none."""
    if text is None:
        return Approvers(problem=f"{place} does not exist, or has no key {KEY}; create it", place=place)
    if len(text) > MAX_CHARACTERS:
        return Approvers(problem=f"{place}: {KEY} has more than {MAX_CHARACTERS} characters", place=place)
    try:
        everybody = tuple(_read(yaml.safe_load(text)))
    except yaml.YAMLError as error:
        return Approvers(problem=f"{place}: {KEY} is no YAML: {' '.join(str(error).split())[:200]}", place=place)
    except ValueError as error:
        return Approvers(problem=f"{place}: {error}", place=place)
    return Approvers(everybody, place=place)


def _read(document: Any) -> Iterator[Approver]:
    entries = document.get("approvers") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ValueError("write a list approvers: with an entry {name, keys, gates} for each person")
    names: set[str] = set()
    owners: dict[bytes, str] = {}
    for index, entry in enumerate(entries):
        found = _entry(f"approvers[{index}]", entry)
        where = f"approvers[{index}] ({found.name})"
        if found.name in names:
            raise ValueError(f"{where}: two entries have this name; write one, with all keys")
        for key in found.keys:
            if owners.setdefault(key.blob, found.name) != found.name:
                raise ValueError(f"{where}: the key {key.fingerprint} is also that of {owners[key.blob]}")
        names.add(found.name)
        yield found


def _entry(where: str, entry: Any) -> Approver:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: write name, keys and gates")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip() or name != name.strip() or len(name) > 253:
        raise ValueError(f"{where}: name must be a text of 1 to 253 characters, without blanks at its ends")
    where = f"{where} ({name})"
    unknown = [str(field) for field in entry if field not in FIELDS]
    if unknown:
        raise ValueError(f"{where}: {unknown[0]} is no field; there are {', '.join(FIELDS)}")
    keys, gates = _texts(where, "keys", entry), _texts(where, "gates", entry)
    return Approver(name, tuple(_key(f"{where}: keys[{i}]", text) for i, text in enumerate(keys)), frozenset(gates))


def _texts(where: str, field: str, entry: dict[str, Any]) -> list[str]:
    values = entry.get(field)
    if not isinstance(values, list) or not values or not all(isinstance(one, str) and one for one in values):
        raise ValueError(f"{where}: {field} must be a list of texts, with one at least")
    return values


def _key(where: str, text: str) -> PublicKey:
    try:
        return parse_key(text)
    except BadKey as error:
        raise ValueError(f"{where} {error}") from None
