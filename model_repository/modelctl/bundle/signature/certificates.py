"""Who signed with a certificate: the chain up to an authority that is trusted, valid now and meant for signing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from modelctl.bundle.errors import BadSignature, InvalidKey
from modelctl.bundle.signature.keys import PublicKey, public_key

MAX_INTERMEDIATES = 4

Extension = TypeVar("Extension", bound=x509.ExtensionType)


@dataclass(frozen=True)
class Holder:
    """Whom a certificate names, in RFC 4514's form, the key it gives them, and when it ends."""

    subject: str
    key: PublicKey
    until: datetime


def parse_certificates(text: bytes) -> tuple[x509.Certificate, ...]:
    """Raises InvalidKey for a text that is no PEM of certificates."""
    try:
        return tuple(x509.load_pem_x509_certificates(text))
    except ValueError:
        raise InvalidKey("is no certificate in PEM; write -----BEGIN CERTIFICATE----- and what follows") from None


def to_chain(found: Sequence[x509.Certificate], key: PublicKey, now: datetime) -> tuple[bytes, ...]:
    """In DER, to sign with. Raises InvalidKey unless the first is that key's, valid now, and for signing."""
    try:
        mine = public_key(found[0].public_key())
        _check_time(found[0], now)
        _check_usage(found[0])
    except BadSignature as error:
        raise InvalidKey(f"cannot be used: {error}") from None
    if mine != key:
        raise InvalidKey("begins with a certificate of another key; write the signer's own first")
    return tuple(one.public_bytes(Encoding.DER) for one in found)


def subject_of(chain: Sequence[bytes]) -> str:
    """Whom the signer's certificate names; nothing of it is checked. Raises BadSignature."""
    return _subject(_load(chain)[0])


def holder(chain: Sequence[bytes], authorities: Sequence[x509.Certificate], now: datetime) -> Holder:
    """`chain`: DER, the signer's certificate first. Raises BadSignature with what is wrong with it.

    There is no trusted time of signing, so what ended before `now` is refused: who holds the key of an expired
    certificate could write any time into a signature.
    """
    leaf, *intermediates = _load(chain)
    _check_time(leaf, now)
    _check_usage(leaf)
    verifier = (
        PolicyBuilder()
        .store(Store(list(authorities)))
        .time(now)
        .max_chain_depth(MAX_INTERMEDIATES)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        verifier.verify(leaf, intermediates)
    except VerificationError as error:
        why = " ".join(str(error).split())[:200]
        raise BadSignature(f"the certificate of {_subject(leaf)} leads to no authority of that signer: {why}") from None
    try:
        return Holder(_subject(leaf), public_key(leaf.public_key()), leaf.not_valid_after_utc)
    except (InvalidKey, ValueError, UnsupportedAlgorithm) as error:
        raise BadSignature(f"the certificate of {_subject(leaf)} has a key that {error}") from None


def _load(chain: Sequence[bytes]) -> list[x509.Certificate]:
    try:
        return [x509.load_der_x509_certificate(der) for der in chain]
    except ValueError:
        raise BadSignature("a certificate in the signature cannot be read; sign the bundle again") from None


def _subject(certificate: x509.Certificate) -> str:
    try:
        return certificate.subject.rfc4514_string()
    except ValueError:
        raise BadSignature("the subject of the certificate in the signature cannot be read") from None


def _check_time(leaf: x509.Certificate, now: datetime) -> None:
    since, until = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if not since <= now <= until:
        times = f"from {since:%Y-%m-%dT%H:%M:%SZ} to {until:%Y-%m-%dT%H:%M:%SZ}"
        raise BadSignature(
            f"the certificate of {_subject(leaf)} is valid {times}; sign the bundle again with one that is valid now"
        )


def _check_usage(leaf: x509.Certificate) -> None:
    """RFC 5280: what is said of the use of a key, holds. A web server's certificate signs no bundles."""
    try:
        usage = _extension(leaf, x509.KeyUsage)
        extended = _extension(leaf, x509.ExtendedKeyUsage)
    except (ValueError, x509.DuplicateExtension):
        raise BadSignature("the extensions of the certificate in the signature cannot be read") from None
    signs = usage is not None and usage.digital_signature
    of_code = extended is not None and ExtendedKeyUsageOID.CODE_SIGNING in extended
    if not (signs or of_code) or (usage is not None and not signs) or (extended is not None and not of_code):
        raise BadSignature(
            f"the certificate of {_subject(leaf)} is not for signing; it needs the key usage digitalSignature, "
            "and codeSigning where it has an extended key usage"
        )


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
