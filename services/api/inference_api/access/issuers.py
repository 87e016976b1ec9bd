"""The part of the access document about OIDC: whose tokens are believed, and which of them are which client.

Raises InvalidAccess like the rest of the document. Nothing here does I/O.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from inference_api.access.clients import Client
from inference_api.access.fields import InvalidAccess, flag, kind, listed, mapping, only

# All asymmetric ones that joserfc and issuers share: with a symmetric one whoever can check a token could forge it.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
MAX_ISSUERS = 8
MAX_RULES = 16
MAX_CLAIMS = 8
_FIELDS = ("issuer", "audience", "jwksUri", "ca", "cluster", "algorithms")


@dataclass(frozen=True, slots=True)
class Issuer:
    """An OIDC issuer. `jwks_uri`: empty to ask its discovery document; `ca`: PEM, empty for the system's.

    `cluster`: the signing keys are read from the API server of this pod's cluster, as the pod.
    """

    issuer: str
    audience: str
    jwks_uri: str
    ca: str
    cluster: bool
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TokenRule:
    """A token of this issuer in which every claim is so, or is a list that holds the value, is this client's."""

    issuer: str
    claims: tuple[tuple[str, str], ...]
    client: Client

    def matches(self, issuer: str, claims: Mapping[str, object]) -> bool:
        """Whether a verified token of `issuer` with these claims is the client's."""
        return issuer == self.issuer and all(_holds(claims.get(name), value) for name, value in self.claims)


def parse(value: object) -> tuple[Issuer, ...]:
    """Reads `issuers`; None when it is absent."""
    issuers: list[Issuer] = []
    for index, item in enumerate([] if value is None else listed(value, "issuers")):
        issuer = _issuer(item, f"issuers[{index}]")
        if issuer.issuer in [one.issuer for one in issuers]:
            raise InvalidAccess(f"issuers[{index}].issuer: is there twice; write each issuer once")
        issuers.append(issuer)
    if len(issuers) > MAX_ISSUERS:
        raise InvalidAccess(f"issuers: there are {len(issuers)}; at most {MAX_ISSUERS} are read")
    return tuple(issuers)


def parse_rules(client: Client, value: object, issuers: tuple[Issuer, ...]) -> list[TokenRule]:
    """Reads `tokens` of a client; [] when it is absent."""
    where = f"clients.{client.name}.tokens"
    items = [] if value is None else listed(value, where)
    if len(items) > MAX_RULES:
        raise InvalidAccess(f"{where}: there are {len(items)}; at most {MAX_RULES} are read")
    return [_rule(client, item, f"{where}[{index}]", issuers) for index, item in enumerate(items)]


def _issuer(value: object, where: str) -> Issuer:
    fields = mapping(value, where)
    only(fields, where, _FIELDS)
    cluster = flag(fields.get("cluster", False), f"{where}.cluster")
    if cluster and ("jwksUri" in fields or "ca" in fields):
        raise InvalidAccess(f"{where}: cluster says where the signing keys are; leave jwksUri and ca out")
    return Issuer(
        issuer=_https(fields.get("issuer"), f"{where}.issuer"),
        audience=_text(fields.get("audience"), f"{where}.audience"),
        jwks_uri=_https(fields["jwksUri"], f"{where}.jwksUri") if "jwksUri" in fields else "",
        ca=_pem(fields["ca"], f"{where}.ca") if "ca" in fields else "",
        cluster=cluster,
        algorithms=_algorithms(fields.get("algorithms", list(ALGORITHMS)), f"{where}.algorithms"),
    )


def _rule(client: Client, value: object, where: str, issuers: tuple[Issuer, ...]) -> TokenRule:
    fields = mapping(value, where)
    only(fields, where, ("issuer", "claims"))
    issuer = fields.get("issuer")
    if not isinstance(issuer, str) or issuer not in [one.issuer for one in issuers]:
        raise InvalidAccess(f"{where}.issuer: is none of issuers; add it there")
    claims = mapping(fields.get("claims"), f"{where}.claims")
    if not 1 <= len(claims) <= MAX_CLAIMS:
        raise InvalidAccess(f'{where}.claims: must have 1 to {MAX_CLAIMS} claims, like {{"sub": "..."}}')
    return TokenRule(
        issuer, tuple((name, _text(wanted, f"{where}.claims.{name[:40]}")) for name, wanted in claims.items()), client
    )


def _algorithms(value: object, where: str) -> tuple[str, ...]:
    names = listed(value, where)
    if not names or not all(isinstance(name, str) and name in ALGORITHMS for name in names):
        raise InvalidAccess(f"{where}: must be some of {', '.join(ALGORITHMS)}")
    return tuple(map(str, names))


def _https(value: object, where: str) -> str:
    message = f"{where}: must be an https:// address without user, query or fragment"
    if not isinstance(value, str) or len(value) > 512 or not value.isascii() or not value.isprintable() or " " in value:
        raise InvalidAccess(message)
    try:
        parts = urlsplit(value)
        is_good = parts.scheme == "https" and bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        raise InvalidAccess(message) from None
    if not is_good or parts.query or parts.fragment:
        raise InvalidAccess(message)
    return value


def _pem(value: object, where: str) -> str:
    if not isinstance(value, str) or "-----BEGIN CERTIFICATE-----" not in value or len(value) > 64 * 1024:
        raise InvalidAccess(f"{where}: must be the certificates of an authority in PEM")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 512:
        raise InvalidAccess(f"{where}: must be a text of 1 to 512 characters, is {kind(value)}")
    return value


def _holds(found: object, wanted: str) -> bool:
    return found == wanted or (isinstance(found, list) and wanted in found)
