"""What a registry that answers 401 asks for: RFC 9110's WWW-Authenticate, and the token of the distribution spec."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.request import parse_http_list, parse_keqv_list

from modelctl.bundle.oci.errors import InvalidArtifact

MAX_TOKEN_ANSWER_BYTES = 64 << 10


@dataclass(frozen=True)
class Challenge:
    """`realm`: for Bearer the address that gives tokens; empty for Basic: the registry itself takes the password."""

    realm: str = ""
    service: str = ""

    @property
    def is_basic(self) -> bool:
        return not self.realm


def parse(headers: Iterable[str]) -> Challenge:
    """The first Bearer of all headers, else Basic. Raises InvalidArtifact."""
    basic = False
    for header in headers:
        scheme, _, rest = header.strip().partition(" ")
        if scheme.lower() == "bearer" and (realm := (fields := _fields(rest)).get("realm")):
            return Challenge(realm, fields.get("service", ""))
        basic = basic or scheme.lower() == "basic"
    if basic:
        return Challenge()
    raise InvalidArtifact("the registry asks for a login that is neither Basic nor Bearer with a realm")


def read_token(content: bytes) -> str:
    """The token in the answer of a realm. Raises InvalidArtifact; the answer may be secret and is not told."""
    try:
        found = json.loads(content)
        token = found.get("token") or found.get("access_token")
    except (ValueError, RecursionError, AttributeError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise InvalidArtifact("the realm that the registry named gives no token")
    return token


def _fields(rest: str) -> dict[str, str]:
    pairs = [pair for pair in parse_http_list(rest) if "=" in pair]
    return {name.lower(): value for name, value in parse_keqv_list(pairs).items()}
