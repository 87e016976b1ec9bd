"""The signers: whose signatures of bundles are trusted, with which keys or certificates, and for which models."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import yaml
from cryptography import x509

from modelctl.bundle.errors import InvalidKey
from modelctl.bundle.signature.certificates import parse_certificates
from modelctl.bundle.signature.keys import SHOWN, PublicKey, parse_public_key

FILE = "signers.yaml"
MAX_BYTES = 500_000
FIELDS = ("name", "models", "keys", "authorities", "subjects")
ANY_MODEL = "*"
_ENTRY = "{name, models, keys} or {name, models, authorities, subjects}"

Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class Signer:
    """`models`: whose bundles they may sign; `*`: of each. `subjects`: of certificates below `authorities`."""

    name: str
    models: frozenset[str] = frozenset({ANY_MODEL})
    keys: tuple[PublicKey, ...] = ()
    authorities: tuple[x509.Certificate, ...] = ()
    subjects: frozenset[str] = frozenset()

    def may_sign(self, model: str) -> bool:
        """The entry names the model, or says `*`."""
        return model in self.models or ANY_MODEL in self.models


@dataclass(frozen=True)
class Signers:
    """`problem`: why the list cannot be used, then nobody is trusted; empty: it can. `place`: where it lies."""

    everybody: tuple[Signer, ...] = ()
    problem: str = ""
    place: str = ""


@lru_cache(maxsize=4)
def parse_signers(text: bytes | None, place: str) -> Signers:
    """Raises nothing: a list that cannot be used says why, and names the entry. `text`: None when there is none."""
    if text is None:
        return Signers(problem=f"{place} does not exist; create it, with the signers whom you trust", place=place)
    if len(text) > MAX_BYTES:
        return Signers(problem=f"{place} has more than {MAX_BYTES} bytes", place=place)
    try:
        return Signers(tuple(_read(yaml.safe_load(text))), place=place)
    except yaml.YAMLError as error:
        return Signers(problem=f"{place} is no YAML: {' '.join(str(error).split())[:200]}", place=place)
    except (ValueError, InvalidKey) as error:
        return Signers(problem=f"{place}: {error}", place=place)


def _read(document: Any) -> Iterator[Signer]:
    entries = document.get("signers") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"write a list signers: with an entry {_ENTRY} for each")
    names: set[str] = set()
    owners: dict[PublicKey, str] = {}
    for index, entry in enumerate(entries):
        found = _entry(f"signers[{index}]", entry)
        where = f"signers[{index}] ({found.name})"
        if found.name in names:
            raise ValueError(f"{where}: two entries have this name; write one, with all keys")
        for key in found.keys:
            if owners.setdefault(key, found.name) != found.name:
                raise ValueError(f"{where}: the key {key.fingerprint[:SHOWN]} is also that of {owners[key]}")
        names.add(found.name)
        yield found


def _entry(where: str, entry: Any) -> Signer:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: write {_ENTRY}")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip() or name != name.strip() or len(name) > 253:
        raise ValueError(f"{where}: name must be a text of 1 to 253 characters, without blanks at its ends")
    where = f"{where} ({name})"
    unknown = [str(field) for field in entry if field not in FIELDS]
    if unknown:
        raise ValueError(f"{where}: {unknown[0]} is no field; there are {', '.join(FIELDS)}")
    if not {"keys", "authorities"} & set(entry) or ("authorities" in entry) != ("subjects" in entry):
        raise ValueError(f"{where}: write {_ENTRY}; authorities alone would trust whomever they certify")
    keys = [_pem(f"{where}: keys[{i}]", parse_public_key, text) for i, text in _texts(where, "keys", entry)]
    chains = [
        _pem(f"{where}: authorities[{i}]", parse_certificates, text) for i, text in _texts(where, "authorities", entry)
    ]
    models, subjects = (frozenset(text for _, text in _texts(where, field, entry)) for field in ("models", "subjects"))
    if not models:
        raise ValueError(f'{where}: models must name those whose bundles this signer may sign, or be ["*"]')
    return Signer(name, models, tuple(keys), tuple(one for chain in chains for one in chain), subjects)


def _texts(where: str, field: str, entry: dict[str, Any]) -> Iterator[tuple[int, str]]:
    if field not in entry:
        return
    values = entry[field]
    if not isinstance(values, list) or not values or not all(isinstance(one, str) and one for one in values):
        raise ValueError(f"{where}: {field} must be a list of texts, with one at least")
    yield from enumerate(values)


def _pem(where: str, parse: Callable[[bytes], Parsed], text: str) -> Parsed:
    try:
        return parse(text.encode())
    except InvalidKey as error:
        raise ValueError(f"{where} {error}") from None
